"""One gateway per state folder."""
from pathlib import Path

import pytest

from gateway.processes.state_folder import InUseError, StateFolder


def test_a_second_holder_is_told_who_holds_it_and_what_to_do(tmp_path: Path) -> None:
    first, second = StateFolder(tmp_path / "state"), StateFolder(tmp_path / "state")
    first.lock()
    with pytest.raises(InUseError, match=r"another gateway \(process \d+\) .* --state-dir"):
        second.lock()


def test_the_folder_is_private(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "deep" / "state")
    assert folder.path.stat().st_mode & 0o777 == 0o700
