"""The config's own files, written after a change was accepted; never what is not ours."""
from pathlib import Path

import pytest

from gateway.config import files, revisions
from gateway.control import config_file

BASE = "version: 1     # ours\nupstreams: {}\n"
BODY = "version: 1     # ours\nupstreams: {a: {endpoints: [127.0.0.1:1]}}\n"


def test_a_single_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(BASE)
    file.chmod(0o640)
    assert config_file.write(file, BASE, BODY) == [file]
    assert (file.read_text(), file.stat().st_mode & 0o777) == (BODY, 0o640)
    assert list(tmp_path.iterdir()) == [file]


def test_of_a_folder_only_the_file_that_changes_is_written(tmp_path: Path) -> None:
    (tmp_path / "10-a.yaml").write_text("version: 1\n")
    (tmp_path / "20-b.yaml").write_text("upstreams: {}\n")
    untouched = (tmp_path / "10-a.yaml").stat().st_ino
    base = revisions.text_of(files.gather(tmp_path))
    body = base.replace("upstreams: {}", "upstreams: {a: {}}")
    assert config_file.write(tmp_path, base, body) == [tmp_path / "20-b.yaml"]
    assert revisions.text_of(files.gather(tmp_path)) == body
    assert (tmp_path / "10-a.yaml").stat().st_ino == untouched


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(BODY)
    assert config_file.write(tmp_path / "gateway.yaml", BASE, BODY) == []


def test_a_link_is_left_to_whoever_made_it(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(BASE)
    (tmp_path / "gateway.yaml").symlink_to("data.yaml")
    with pytest.raises(config_file.NotOurs, match=r"is a link.*put it into that config too"):
        config_file.write(tmp_path / "gateway.yaml", BASE, BODY)
    assert (tmp_path / "data.yaml").read_text() == BASE


@pytest.mark.parametrize("there", [BASE + "# edited\n", ""])
def test_what_is_not_what_the_change_was_drafted_against_is_left(tmp_path: Path, there: str) -> None:
    (tmp_path / "gateway.yaml").write_text(there)
    with pytest.raises(config_file.NotOurs, match="another config"):
        config_file.write(tmp_path / "gateway.yaml", BASE, BODY)
    assert (tmp_path / "gateway.yaml").read_text() == there


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(config_file.NotOurs, match="cannot be read"):
        config_file.write(tmp_path / "gateway.yaml", BASE, BODY)


def test_a_change_of_other_files_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\n")
    (tmp_path / "b.yaml").write_text("upstreams: {}\n")
    base = revisions.text_of(files.gather(tmp_path))
    with pytest.raises(config_file.NotOurs, match=r"has other files: a.yaml, b.yaml, config"):
        config_file.write(tmp_path, base, BODY)
