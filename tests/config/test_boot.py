"""What is served at the start, from the file and from what was served last."""
from pathlib import Path

import config_text

from gateway.config import boot, revisions
from gateway.record.active import Active, ActiveFile

ROUTES = config_text.TOP + "routes:\n  - {name: a, upstream: orders}\n"


def candidate(text: str) -> revisions.Candidate:
    return revisions.from_documents({"x": text.encode()})


def last(number: int, text: str, set_aside: str = "") -> Active:
    return Active(revisions.revision(number, candidate(text), at_ns=1, how="file", who="file"), set_aside)


def test_the_first_start_is_revision_one() -> None:
    found = boot.first(candidate(ROUTES), None, 5)
    assert (found.revision.number, found.revision.how, found.revision.at_ns) == (1, "boot", 5)


def test_an_unchanged_file_keeps_its_number() -> None:
    assert boot.first(candidate(ROUTES), last(4, ROUTES), 5) == last(4, ROUTES)


def test_a_changed_file_is_the_next_revision() -> None:
    found = boot.first(candidate(ROUTES), last(4, config_text.TOP), 5)
    assert (found.revision.number, found.set_aside) == (5, "")
    assert "+routes:" in found.revision.diff


def test_what_was_set_aside_is_not_taken_from_the_disk() -> None:
    aside = last(4, config_text.TOP, candidate(ROUTES).content)
    assert boot.first(candidate(ROUTES), aside, 5) == aside


def test_the_command_line_goes_before_the_file() -> None:
    plan = boot.overridden(candidate(ROUTES).plan, {"listen": "127.0.0.1:81", "workers": 3, "admin": None})
    assert ([each.address for each in plan.listeners], plan.workers) == (["127.0.0.1:81"], 3)


def test_the_last_good_plan_follows_the_command_line_too() -> None:
    assert boot.last_good(last(4, ROUTES), {"workers": 3}).plan.workers == 3


def test_an_unreadable_active_file_counts_as_none(tmp_path: Path) -> None:
    assert boot.read_last(tmp_path) is None
    (tmp_path / "active").write_text("{}")
    assert boot.read_last(tmp_path) is None
    ActiveFile(tmp_path).write(last(4, ROUTES))
    assert boot.read_last(tmp_path) == last(4, ROUTES)


def test_the_state_folder_of_a_faulty_config_is_found(tmp_path: Path) -> None:
    assert boot.state_folder(config_text.written(tmp_path, "routez: []\nstate: {dir: /var/x}\n")) == "/var/x"
    assert boot.state_folder(config_text.written(tmp_path, "{{{")) == boot.DEFAULT_STATE
