"""A change is told once, after it has come to rest; renames, swapped links and folders alike."""
import os
from pathlib import Path

import pytest

from gateway.control.watching import Watch


def changed(watch: Watch) -> bool:
    return [watch.settled() for _ in range(3)] == [False, True, False]


def test_the_first_look_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1")
    assert changed(Watch(tmp_path / "a.yaml"))


@pytest.mark.parametrize("folder", [False, True])
def test_a_replaced_file_is_a_change(tmp_path: Path, folder: bool) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    watch = Watch(tmp_path if folder else file)
    assert changed(watch)
    (tmp_path / "fresh").write_text("2")
    (tmp_path / "fresh").rename(file)
    assert changed(watch)


def test_a_swapped_link_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text("same size")
        os.utime(tmp_path / name / "a.yaml", ns=(5, 5))
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    watch = Watch(tmp_path / "a.yaml")
    assert changed(watch)
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert changed(watch)


def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    watch = Watch(file)
    assert changed(watch)
    seen = []
    for text in ("12", "123", "1234"):
        file.write_text(text)
        seen.append(watch.settled())
    assert seen == [False] * 3
    assert watch.settled()


def test_a_file_that_vanishes_is_a_change_too(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    watch = Watch(file)
    assert changed(watch)
    file.unlink()
    assert changed(watch)
