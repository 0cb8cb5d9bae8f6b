"""Lines reach their file whole, whatever is done to it meanwhile, and what does not reach it is counted."""
import logging
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.record import line_file
from gateway.record.line_file import STDOUT, WAITING_MOST, Counts, LineFile

LOG = logging.getLogger("access")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


def line_file_at(path: Path | str, rotate_bytes: int = 2**20, keep: int = 3) -> LineFile:
    return LineFile(str(path), rotate_bytes, keep, Counts(), LOG)


def write(file: LineFile, *lines: str) -> None:
    for line in lines:
        file.append(f"{line}\n".encode(), 1)
        file.flush()


def texts(path: Path) -> list[str]:
    return [each.read_text() for each in [path, *sorted(path.parent.glob("access.log.*"))]]


def test_lines_are_appended_and_others_cannot_read_them(path: Path) -> None:
    path.write_text("old\n")
    path.unlink()
    write(line_file_at(path), "a")
    file = line_file_at(path)
    write(file, "b")
    assert path.read_text() == "a\nb\n"
    assert stat.S_IMODE(path.stat().st_mode) & ~0o640 == 0
    assert file.counts == Counts(lines=1, bytes=2)


def test_lines_wait_until_they_are_flushed_or_many(path: Path) -> None:
    file = line_file_at(path)
    file.append(b"a\n", 1)
    assert not path.exists()
    file.append(b"b" * line_file.FLUSH_BYTES + b"\n", 1)
    assert path.stat().st_size == line_file.FLUSH_BYTES + 3


def test_a_full_file_is_rotated_and_the_oldest_goes(path: Path) -> None:
    file = line_file_at(path, rotate_bytes=8, keep=2)
    write(file, "aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg")
    assert texts(path) == ["ggg\n", "eee\nfff\n", "ccc\nddd\n"]
    assert file.counts == Counts(lines=7, bytes=28, rotations=3)


def test_a_file_that_is_full_at_the_start_is_rotated_first(path: Path) -> None:
    path.write_text("12345678")
    write(line_file_at(path, rotate_bytes=8), "a")
    assert texts(path) == ["a\n", "12345678"]


def test_a_renamed_or_removed_file_is_begun_anew(path: Path) -> None:
    file = line_file_at(path)
    write(file, "a")
    path.rename(path.with_suffix(".log.1"))
    write(file, "b")
    assert texts(path) == ["b\n", "a\n"]
    path.unlink()
    write(file, "c")
    assert texts(path) == ["c\n", "a\n"]
    assert (file.counts.lines, file.counts.dropped, file.counts.rotations) == (3, 0, 0)


def test_a_truncated_file_is_written_on_from_its_beginning(path: Path) -> None:
    file = line_file_at(path, rotate_bytes=8)
    write(file, "aaa", "bbb")
    os.truncate(path, 0)
    write(file, "ccc")
    assert texts(path) == ["ccc\n"]


def test_a_link_is_followed_but_not_rotated(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    path.symlink_to(target)
    write(line_file_at(path, rotate_bytes=4), "aaa", "bbb", "ccc")
    assert target.read_text() == "aaa\nbbb\nccc\n"
    assert path.is_symlink()


def test_a_missing_folder_is_said_once_and_written_to_when_it_is_there(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "logs"
    file = line_file_at(folder / "access.log")
    write(file, "a", "b")
    assert file.fault == "No such file or directory"
    folder.mkdir()
    write(file, "c")
    assert (folder / "access.log").read_text() == "a\nb\nc\n"
    assert file.fault == ""
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_what_cannot_be_written_is_bounded_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    file = line_file_at("/dev/full")
    chunk = b"x" * (WAITING_MOST // 4 - 1) + b"\n"
    for _ in range(7):
        file.append(chunk, 1)
    assert file.fault
    assert file.counts == Counts(dropped=3)
    file.close()
    assert file.counts == Counts(dropped=7)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


class Disk(LineFile):
    """Has room for so many bytes; writes the part that it has room for, as a disk does."""

    room = 0

    def _open(self) -> None:
        super()._open()
        onward = self._write
        assert onward is not None

        def write(lines: memoryview) -> int:
            part = lines[: self.room]
            if not part:
                raise OSError(28, "No space left on device")
            self.room -= len(part)
            return onward(part)

        self._write = write


def disk(path: Path, room: int) -> Disk:
    made = Disk(str(path), 2**20, 3, Counts(), LOG)
    made.room = room
    return made


def test_a_line_that_a_full_disk_tore_is_made_whole_when_there_is_room(path: Path) -> None:
    file = disk(path, room=6)
    write(file, "aaa", "bbb", "ccc")
    assert path.read_text() == "aaa\nbb"
    assert (file.fault, file.counts.lines) == ("No space left on device", 1)
    file.room = 100
    write(file, "ddd")
    assert path.read_text() == "aaa\nbbb\nccc\nddd\n"
    assert file.counts == Counts(lines=4, bytes=16)


def test_the_rest_of_a_torn_line_does_not_go_to_another_file(path: Path) -> None:
    file = disk(path, room=6)
    write(file, "aaa", "bbb")
    path.rename(path.with_suffix(".log.1"))
    file.room = 100
    write(file, "ccc")
    assert texts(path) == ["ccc\n", "aaa\nbb"]
    assert (file.counts.lines, file.counts.dropped) == (2, 1)


def test_what_cannot_be_rotated_does_not_grow(path: Path) -> None:
    file = line_file_at(path, rotate_bytes=8, keep=1)
    write(file, "aaa", "bbb")
    (path.parent / "access.log.1").mkdir()
    write(file, "ccc")
    assert path.read_text() == "aaa\nbbb\n"
    assert file.fault
    assert file.counts.rotations == 0


@pytest.fixture
def stdout() -> Iterator[int]:
    """The real descriptor 1, given back afterwards."""
    kept = os.dup(1)
    yield kept
    os.dup2(kept, 1)
    os.close(kept)


def test_a_stdout_that_nobody_reads_costs_lines_and_not_time(stdout: int) -> None:
    reads, writes = os.pipe()
    os.dup2(writes, 1)
    file = line_file_at(STDOUT)
    chunk = (b"x" * 1023 + b"\n") * 256
    for _ in range(2 * WAITING_MOST // len(chunk)):
        file.append(chunk, 256)
    assert os.get_blocking(1)
    assert file.counts.dropped
    assert file.counts.lines == 64
    os.set_blocking(reads, False)
    assert os.read(reads, 2**20) == chunk[: 64 * 1024]
    file.flush()
    assert file.counts.lines == 128
    file.close()
    assert file.counts.lines + file.counts.dropped == 2 * WAITING_MOST // 1024
    os.close(reads)
    os.close(writes)


def test_a_stdout_that_is_a_socket_is_not_waited_for(stdout: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        os.dup2(theirs.fileno(), 1)
        file = line_file_at(STDOUT)
        write(file, "a")
        assert ours.recv(10) == b"a\n"
        for _ in range(20):
            file.append(b"x" * (WAITING_MOST // 4 - 1) + b"\n", 1)
        assert file.counts.dropped
        assert os.get_blocking(1)
        file.close()
