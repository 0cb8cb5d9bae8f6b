"""The store on a real disk: what is acknowledged is there, what is broken is moved aside, what fails says so."""
import dataclasses
import json
import logging
import sqlite3
from pathlib import Path

import pytest

from gateway.model.override import Override
from gateway.model.report import Maintenance
from gateway.record import migrations
from gateway.record.revision import Revision, content_hash
from gateway.record.store import NAME, NotStored, Store, open_store, verified

LOG = logging.getLogger("test")
SECOND = 1_000_000_000


def opened(folder: Path) -> Store:
    return open_store(folder, 1, LOG)


def revision(number: int, text: str = "", **changes: object) -> Revision:
    text = text or f"# {number}"
    made = Revision(number, content_hash(text), text, f"digest of {text}", "{}", number * SECOND, who="loopback",
                    how="file", diff="+x")
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def isolated(target: str, reason: str = "broken") -> Override:
    return Override("isolation", target, "close", reason, "ann", "", at_ns=5, expires_ns=100)


def states(store: Store) -> dict[int, str]:
    return {each.number: state for each, state in store.revisions()}


def test_what_was_recorded_is_there_after_a_crash(tmp_path: Path) -> None:
    opened(tmp_path).add_revision(revision(1))          # never closed
    again = opened(tmp_path)
    assert again.revision(1) == revision(1)
    assert again.revision(2) is None
    assert again.highest() == 1


def test_one_revision_is_active_and_the_one_before_says_why_it_is_not(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_revision(revision(1))
    store.add_revision(revision(2))
    store.add_revision(revision(3, "# 1", how="rollback", base=1), rolled_back=True)
    assert states(store) == {3: "active", 2: "rolled back", 1: "superseded"}


def test_recording_the_active_revision_again_changes_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_revision(revision(1))
    store.add_revision(revision(1))
    assert len(store.audit()) == 1


def test_a_list_of_revisions_leaves_the_long_texts_out(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_revision(revision(1))
    store.add_revision(revision(2))
    listed = [each for each, _ in store.revisions(limit=1)]
    assert [each.number for each in listed] == [2]
    assert (listed[0].text, listed[0].plan, listed[0].diff) == ("", "", "")


def test_rolling_back_twice_goes_back_two_steps(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in (1, 2, 3):
        store.add_revision(revision(number))
    assert store.before(revision(3)) == revision(2)
    back = revision(4, "# 2", how="rollback", base=2)
    store.add_revision(back, rolled_back=True)
    assert store.before(back) == revision(1)
    assert store.before(revision(1)) is None


def test_every_write_is_in_the_audit_chain_and_tampering_shows(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_revision(revision(1))
    made = store.put_override(isolated("route:a"))
    store.end_override(made, "released", at_ns=6, who="ann")
    store.note(7, "ann", "config.refused", "gateway.yaml", {"problems": 2})
    assert [entry.what for entry in store.audit()] == ["config.refused", "release", "isolate", "config.file"]
    assert store.verify() is None
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("UPDATE audit SET who = 'bob' WHERE number = 2")
    assert store.verify() == 2


def test_a_config_change_says_what_was_served_before_and_why(tmp_path: Path) -> None:
    store = opened(tmp_path)
    first, second = revision(1), dataclasses.replace(revision(2), reason="a new route")
    store.add_revision(first)
    store.add_revision(second)
    latest, earliest = (json.loads(entry.detail) for entry in store.audit())
    assert (earliest["before"], earliest["after"]) == (None, {"number": 1, "content": first.content})
    assert (latest["before"], latest["after"]) == ({"number": 1, "content": first.content},
                                                   {"number": 2, "content": second.content})
    assert latest["reason"] == "a new route"
    assert store.revision(2) == second


def test_an_override_says_what_it_replaces_and_its_end_what_ended(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put_override(isolated("route:a"))
    again = store.put_override(isolated("route:a"))
    store.end_override(again, "released", at_ns=6, who="ann", reason="fixed")
    end, replaced, begun = (json.loads(entry.detail) for entry in store.audit())
    assert begun["before"] is None
    assert set(begun["after"]) == {"value", "reason", "who", "expires"}
    assert (replaced["before"], replaced["after"]) == ({}, {})          # nothing of it is another
    assert (end["before"], end["after"], end["reason"]) == (begun["after"], None, "fixed")


def test_a_maintenance_that_is_ended_says_until_when_it_would_have_gone_on(tmp_path: Path) -> None:
    store = opened(tmp_path)
    window = store.add_maintenance(Maintenance("route:a", "a move", "ann", SECOND, 60 * SECOND))
    assert store.end_maintenance(window.id, 2 * SECOND, "bob")
    assert not store.end_maintenance(window.id, 3 * SECOND, "bob")
    end, begin = store.audit()
    assert json.loads(begin.detail)["after"] == {"expires": "1970-01-01T00:01:00Z"}
    assert (end.target, json.loads(end.detail)["before"]) == ("route:a", {"expires": "1970-01-01T00:01:00Z"})
    assert json.loads(end.detail)["after"] == {"expires": "1970-01-01T00:00:02Z"}


def test_the_chain_of_a_copy_is_followed_without_its_gateway(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.note(1, "ann", "test", "it", {})
    store.close()
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes((tmp_path / NAME).read_bytes())
    verdict = verified(copy)
    assert (verdict.entries, verdict.is_sound) == (1, True)
    with pytest.raises(NotStored, match=r"nothing\.sqlite cannot be used"):
        verified(tmp_path / "nothing.sqlite")
    assert not (tmp_path / "nothing.sqlite").exists()


@pytest.mark.parametrize("tampering", ["DELETE FROM audit WHERE number = 1", "DELETE FROM audit WHERE number = 2",
                                       "UPDATE audit SET at_ns = 0 WHERE number = 3"])
def test_a_removed_or_changed_entry_breaks_the_chain(tmp_path: Path, tampering: str) -> None:
    store = opened(tmp_path)
    for number in (1, 2, 3):
        store.note(number, "ann", "test", "it", {})
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute(tampering)
    assert store.verify() is not None


def test_an_override_stands_until_it_is_ended(tmp_path: Path) -> None:
    store = opened(tmp_path)
    first = store.put_override(isolated("route:a"))
    second = store.put_override(isolated("client:10.0.0.1"))
    assert store.standing_overrides() == [first, second]
    ended = store.end_override(first, "released", at_ns=41, who="bob", reason="fixed")
    assert store.standing_overrides() == [second]
    assert store.override(first.id) == ended
    assert (ended.ended, ended.ended_ns) == ("released", 41)
    assert store.override(99) is None


def test_one_override_of_a_kind_stands_for_a_target(tmp_path: Path) -> None:
    store = opened(tmp_path)
    first = store.put_override(isolated("upstream:a"))
    breaker = store.put_override(dataclasses.replace(isolated("upstream:a"), kind="breaker", value="open"))
    again = store.put_override(isolated("upstream:a", reason="still broken"))
    assert store.standing_overrides() == [breaker, again]
    assert [each.ended for each in store.list_overrides("isolation")] == ["", "replaced"]
    assert store.list_overrides("isolation", limit=1) == [again]
    assert first.id not in (breaker.id, again.id)


def test_isolations_of_the_first_tables_are_taken_over(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    old.execute(migrations.BOOK)
    for statement in migrations.STEPS[0]:
        old.execute(statement)
    old.execute("INSERT INTO migrations VALUES (1, 0)")
    rows = [(1, "route:a", "why", "ann", "", 5, 100, 1, None), (2, "route:b", "why", "ann", "", 5, 100, 0, 7)]
    old.executemany("INSERT INTO isolations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    old.close()
    store = opened(tmp_path)
    assert [(each.id, each.target, each.value, each.expires_ns) for each in store.standing_overrides()] == [
        (1, "route:a", "keep open", 100)]
    released = store.override(2)
    assert released is not None
    assert (released.value, released.ended, released.ended_ns) == ("close", "released", 7)


@pytest.mark.parametrize("garbage", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_corrupt_store_is_moved_aside_loudly(
    tmp_path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).write_bytes(garbage)
    store = opened(tmp_path)
    store.add_revision(revision(1))
    assert store.highest() == 1
    assert "corrupt" in caplog.text
    assert [path.read_bytes() for path in tmp_path.glob(f"{NAME}.corrupt-*")] == [garbage]


def test_a_page_that_was_overwritten_counts_as_corrupt(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in range(1, 60):
        store.add_revision(revision(number, text=f"# {number}\n" * 200))
    store.close()
    with (tmp_path / NAME).open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xee" * 4096 * 8)
    assert opened(tmp_path).highest() == 0
    assert list(tmp_path.glob(f"{NAME}.corrupt-*"))


def test_a_locked_store_is_a_503_and_nothing_is_changed(tmp_path: Path) -> None:
    store = opened(tmp_path)
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotStored, match="locked by another program") as caught:
        store.add_revision(revision(1))
    assert caught.value.status == 503
    other.execute("ROLLBACK")
    assert store.highest() == 0
    store.add_revision(revision(1))
    other.close()


def test_a_full_disk_is_a_507_and_nothing_is_changed(tmp_path: Path) -> None:
    store = opened(tmp_path)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(NotStored, match="full") as caught:
        store.add_revision(revision(1, text="#" * 100_000))
    assert caught.value.status == 507
    assert store.highest() == 0
    assert store.audit() == []


def test_a_store_of_a_newer_gateway_is_refused_and_left_alone(tmp_path: Path) -> None:
    opened(tmp_path).close()
    newer = len(migrations.STEPS) + 1
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("INSERT INTO migrations VALUES (?, 0)", (newer,))
    with pytest.raises(NotStored, match="newer gateway"):
        opened(tmp_path)
    assert not list(tmp_path.glob(f"{NAME}.corrupt-*"))


def test_a_folder_that_cannot_be_written_is_a_503(tmp_path: Path) -> None:
    with pytest.raises(NotStored, match="state folder") as caught:
        opened(tmp_path / "absent")
    assert caught.value.status == 503


def test_the_store_is_private(tmp_path: Path) -> None:
    opened(tmp_path)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
