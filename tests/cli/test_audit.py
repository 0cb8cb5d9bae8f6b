"""`gateway audit verify` on the store of a gateway that does not run, and how a change reads."""
import logging
import sqlite3
from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import audit
from gateway.record.store import NAME, open_store


def made(folder: Path, entries: int) -> None:
    store = open_store(folder, 1, logging.getLogger("test"))
    for number in range(entries):
        store.note(number, "ann", "test", "it", {})
    store.close()


def verify(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(audit.audit, ["verify", "--state-dir", str(folder), *arguments])


def tamper(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / NAME) as other:
        other.execute(statement)


def test_a_whole_chain_exits_with_0_and_shows_its_last_hash(tmp_path: Path) -> None:
    made(tmp_path, 3)
    found = verify(tmp_path)
    assert found.exit_code == 0
    assert found.output.startswith("3 entries, whole; the last hash is ")


def test_a_broken_chain_exits_with_1_and_names_the_entry(tmp_path: Path) -> None:
    made(tmp_path, 3)
    tamper(tmp_path, "UPDATE audit SET detail = '{}' || ' ' WHERE number = 2")
    found = verify(tmp_path)
    assert (found.exit_code, found.output) == (1, "entry 2 of 3 does not follow from the one before\n")


def test_a_chain_that_was_cut_is_found_by_the_hash_that_was_noted(tmp_path: Path) -> None:
    made(tmp_path, 3)
    noted = verify(tmp_path).output.split()[-1]
    assert verify(tmp_path, "--noted", noted).exit_code == 0
    tamper(tmp_path, "DELETE FROM audit WHERE number = 3")
    found = verify(tmp_path, "--noted", noted)
    assert found.exit_code == 1
    assert "2 entries, none with the hash" in found.output


def test_a_folder_without_a_store_exits_with_1(tmp_path: Path) -> None:
    assert verify(tmp_path).exit_code == 1


def test_a_change_reads_as_from_what_to_what() -> None:
    entry = {"number": 7, "at": "2026-11-25T09:00:00Z", "who": "token:ann", "what": "incident.assigned",
             "target": "incident:3",
             "detail": {"reason": "hers", "before": {"assignee": ""}, "after": {"assignee": "eve"}}}
    assert audit._line(entry).endswith("incident.assigned  incident:3  reason=hers  assignee: none -> eve")
