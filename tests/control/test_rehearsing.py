"""The replay report that a proposal carries: recorded requests under the config as it is and as it would be."""
from pathlib import Path

import pytest
from config.test_recorded import OPEN, Recorder, limited

from gateway.control import rehearsing
from gateway.control.rehearsing import Rehearsal
from gateway.model.safeguards import SECOND, Limit


def recorded(folder: Path) -> int:
    """Twenty requests of one client in a second; returns the UTC ns of the first."""
    recorder = Recorder(folder)
    for number in range(20):
        recorder.request(number / 20)
    recorder.spooled()
    return recorder.now


def test_what_the_change_would_newly_deny_is_told_with_the_verdict(tmp_path: Path) -> None:
    began = recorded(tmp_path)
    found = Rehearsal(tmp_path, began, began + 60 * SECOND)(OPEN, limited(Limit("few", "route", 5)))
    assert found[0] == "20 requests of 1 s replayed"
    assert any(line.startswith("  newly denied by few on all: ") for line in found), found
    assert any(line.startswith("needs approval: ") for line in found)


def test_a_change_that_decides_all_alike_may_be_applied(tmp_path: Path) -> None:
    began = recorded(tmp_path)
    assert Rehearsal(tmp_path, began, began + 60 * SECOND)(OPEN, OPEN)[-1] == "may be applied"


def test_without_a_recording_it_says_that_nothing_is_shown(tmp_path: Path) -> None:
    assert "nothing could be decided" in Rehearsal(tmp_path, 0, 1)(OPEN, OPEN)[-1]


def test_all_rehearsals_of_an_incident_have_a_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = recorded(tmp_path)
    monkeypatch.setattr(rehearsing, "PATIENCE_S", -1.0)
    found = Rehearsal(tmp_path, began, began + 60 * SECOND)(OPEN, OPEN)
    assert "not replayed: the replays of this incident took more than" in found[0]
