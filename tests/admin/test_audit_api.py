"""The audit over the admin API."""
import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin import audit_api
from gateway.admin.config_api import RELOADER
from gateway.record.store import NAME, open_store


class Reloader:
    """As much of the real one as the audit asks for: the store."""

    def __init__(self, folder: Path) -> None:
        self.opened = open_store(folder, 1, logging.getLogger("test"))

    def store(self) -> Any:
        return self.opened


def get(reloader: Reloader, path: str) -> Any:
    async def ask() -> Any:
        app = web.Application()
        app[RELOADER] = reloader  # type: ignore[assignment]
        app.add_routes(audit_api.ROUTES)
        async with TestClient(TestServer(app)) as client:
            return await (await client.get(path)).json()

    return asyncio.run(ask())


def test_entries_are_shown_the_latest_first_and_the_chain_is_followed(tmp_path: Path) -> None:
    reloader = Reloader(tmp_path)
    assert get(reloader, "/v1/audit/verify") == {
        "whole": True, "first_broken": None, "entries": 0, "last_hash": "0" * 64, "has_noted": None}
    for number in (1, 2, 3):
        reloader.opened.note(number * 10**9, "ann", "test", f"it {number}", {"number": number})
    entries = get(reloader, "/v1/audit?limit=2")["entries"]
    assert [(each["number"], each["at"], each["detail"]) for each in entries] == [
        (3, "1970-01-01T00:00:03Z", {"number": 3}), (2, "1970-01-01T00:00:02Z", {"number": 2})]
    found = get(reloader, "/v1/audit/verify")
    assert (found["whole"], found["entries"], found["last_hash"]) == (True, 3, entries[0]["hash"])


def test_tampering_is_told_with_its_place(tmp_path: Path) -> None:
    reloader = Reloader(tmp_path)
    for number in (1, 2, 3):
        reloader.opened.note(number, "ann", "test", "it", {})
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("UPDATE audit SET who = 'bob' WHERE number = 2")
    found = get(reloader, "/v1/audit/verify")
    assert (found["whole"], found["first_broken"]) == (False, 2)


def test_a_hash_that_was_noted_tells_of_entries_cut_off_at_the_end(tmp_path: Path) -> None:
    reloader = Reloader(tmp_path)
    for number in (1, 2, 3):
        reloader.opened.note(number, "ann", "test", "it", {})
    noted = get(reloader, "/v1/audit/verify")["last_hash"]
    assert get(reloader, f"/v1/audit/verify?noted={noted}")["has_noted"] is True
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("DELETE FROM audit WHERE number = 3")
    assert get(reloader, "/v1/audit/verify")["whole"] is True           # it follows, as far as it goes
    found = get(reloader, f"/v1/audit/verify?noted={noted}")
    assert (found["whole"], found["first_broken"], found["has_noted"]) == (False, None, False)


def test_what_is_no_hash_is_refused(tmp_path: Path) -> None:
    assert get(Reloader(tmp_path), "/v1/audit/verify?noted=abc")["status"] == 400
