"""Every operation of the admin API that changes something leaves who, why, what was before and what is after in the
audit; those that only ask leave nothing. DEEDS is held to the OpenAPI document, so that a new one cannot be forgotten.
"""
import asyncio
import contextlib
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from admin.whole_api import CONFIG, DELIBERATION, make_app, make_board
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin.config_api import RELOADER
from gateway.admin.openapi import OPERATIONS
from gateway.board import Board, State
from gateway.model import incident as incidents
from gateway.model.action import Action, ActionKind, ActionState
from gateway.model.incident import Entry
from gateway.model.proposal import Proposal, ProposalKind
from gateway.model.signal import Signal, SignalKind
from gateway.record.audit import Entry as Row
from gateway.record.store import Store

ANN = {"actor": "ann"}
WHY = {"reason": "because", **ANN}
ONLY_ASK = {("post", "/v1/config/diff"), ("post", "/v1/config/replay")}
INCIDENT, ACTIONS = "/v1/incidents/{id}", "/v1/incidents/{id}/actions/{action}"


@dataclasses.dataclass(frozen=True)
class Deed:
    """An operation of the document; where it is done: the numbers in its path; what the audit calls it."""

    method: str
    path: str
    at: tuple[str, ...]
    body: dict[str, Any]
    what: str

    @property
    def url(self) -> str:
        parts, numbers = self.path.split("/"), iter(self.at)
        return "/".join(next(numbers) if part.startswith("{") else part for part in parts)

    @property
    def reason(self) -> str:
        return str(self.body.get("reason") or self.body.get("words") or "")


def documents(change: tuple[str, str]) -> dict[str, str]:
    return {"gateway.yaml": CONFIG.replace(*change)}


DEEDS = (
    Deed("post", "/v1/config", (), {"documents": documents(("10/s", "20/s")), "probation": False, **WHY},
         "config.apply"),
    Deed("post", "/v1/config/rollback", (), {"to": None, **WHY}, "config.rollback"),
    Deed("post", "/v1/isolations", (), {"target": "route:orders", **WHY}, "isolate"),
    Deed("delete", "/v1/isolations/{number}", ("1",), WHY, "release"),
    Deed("post", "/v1/breakers/{upstream}", ("api",), {"state": "open", **WHY}, "force"),
    Deed("post", "/v1/breakers/{upstream}", ("api",), {"state": "auto", **WHY}, "release"),
    Deed("post", "/v1/faults", (), {"kind": "abort", "route": "orders", **WHY}, "fault.inject"),
    Deed("delete", "/v1/faults/{number}", ("1",), WHY, "fault.stopped"),
    Deed("post", "/v1/drills", (), {"scenario": "one", "about": "one fails", **ANN}, "drill.run"),
    Deed("post", "/v1/maintenance", (), {"target": "route:rest", **WHY}, "maintenance.begin"),
    Deed("delete", "/v1/maintenance/{id}", ("1",), WHY, "maintenance.end"),
    Deed("post", "/v1/deploys", (), {"words": "orders 2", "scope": {"upstream": "api"}, **ANN}, "change.deploy"),
    Deed("post", "/v1/reports", (), {"target": "route:orders", "words": "odd"}, "report"),
    Deed("post", ACTIONS + "/force", ("1", "1"), WHY, "action.held"),
    Deed("post", ACTIONS + "/undo", ("1", "1"), WHY, "action.undone"),
    Deed("post", ACTIONS + "/hold", ("1", "2"), WHY, "action.held"),
    Deed("post", ACTIONS + "/skip", ("1", "3"), WHY, "action.skipped"),
    Deed("post", INCIDENT + "/ack", ("1",), ANN, "incident.acknowledged"),
    Deed("post", INCIDENT + "/assign", ("1",), {"to": "bob", **ANN}, "incident.assigned"),
    Deed("post", INCIDENT + "/comment", ("1",), {"words": "I look", **ANN}, "incident.comment"),
    Deed("post", INCIDENT + "/split", ("1",), {"targets": ["route:rest"], **ANN}, "incident.split"),
    Deed("post", INCIDENT + "/merge", ("2",), {"into": 1, **ANN}, "incident.merged"),
    Deed("post", INCIDENT + "/resolve", ("1",), {"words": "done", **ANN}, "incident.resolved"),
    Deed("post", INCIDENT + "/reopen", ("1",), {"words": "not yet", **ANN}, "incident.reopened"),
    Deed("post", INCIDENT + "/resolve", ("1",), {"words": "done now", **ANN}, "incident.resolved"),
    Deed("patch", INCIDENT + "/report", ("1",), {"lessons": {"well": ["it was quick"]}, **ANN}, "post_mortem.edit"),
    Deed("post", INCIDENT + "/report/sign", ("1",), {"function": "operations", **ANN}, "post_mortem.sign"),
    Deed("post", INCIDENT + "/proposals/{proposal}/decline", ("1", "1"), WHY, "proposal.declined"),
    Deed("post", INCIDENT + "/proposals/{proposal}/accept", ("1", "2"), WHY, "proposal.accepted"),
    Deed("post", INCIDENT + "/review", ("1",), ANN, "incident.reviewed"),
)


def prepared(store: Store, now: int) -> None:
    """An incident about two routes, three actions (planned, kept, planned) and two proposals."""
    signals = tuple(Signal(SignalKind.ERRORS, target, now, now) for target in ("route:orders", "route:rest"))
    opened = store.open_incident(incidents.opened(signals, now), Entry(now, "gateway", "opened", "errors"))
    kinds = {"upstream:api": ActionKind.BREAKER, "endpoint:api/127.0.0.1:9001": ActionKind.EJECT,
             "route:orders": ActionKind.ISOLATE}
    made = [Action(1, kind, target, 1, "it fails", (), rung, target, "failures", now, since_ns=now)
            for rung, (target, kind) in enumerate(kinds.items())]
    planned = store.save_incident(opened, done=made)
    kept = dataclasses.replace(planned[1], state=ActionState.KEPT, done_ns=now, expires_ns=now + 60 * 10**9)
    store.save_incident(opened, done=[kept])
    store.add_proposals([Proposal(1, ProposalKind.CONFIG, "other", "why", rate, CONFIG.replace("10/s", rate), base=3,
                                  at_ns=now) for rate in ("30/s", "40/s")])


@contextlib.asynccontextmanager
async def following(board: Board) -> AsyncIterator[None]:
    """A worker that serves each revision as soon as it is proposed, as far as its slot on the board tells."""
    async def follow() -> None:
        slot = board.slot(0)
        slot["state"] = State.READY
        while True:
            if proposed := board.header["proposed"]:
                slot["prepared"] = slot["generation"] = proposed
            await asyncio.sleep(0.002)

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()


async def done(client: "TestClient[web.Request, web.Application]", deed: Deed, store: Store) -> list[Row]:
    """Its rows, the latest first."""
    before = len(store.audit(1000))
    answer = await client.request(deed.method, deed.url, json=deed.body)
    assert answer.status in (200, 201), (deed, await answer.text())
    rows = store.audit(1000)
    return rows[:len(rows) - before]


def test_every_operation_that_may_change_something_is_a_deed() -> None:
    changing = {(each.method, each.path) for each in OPERATIONS if each.method != "get"}
    assert {(each.method, each.path) for each in DEEDS} == changing - ONLY_ASK


def test_each_deed_leaves_who_why_and_what_changed(tmp_path: Path) -> None:
    async def run() -> None:
        board = make_board()
        app = make_app(tmp_path, board)
        store, thinking = app[RELOADER].store(), app[DELIBERATION]
        prepared(store, time.time_ns())
        async with TestClient(TestServer(app)) as client, following(board):
            for deed in DEEDS:
                if deed.path.endswith("/report"):
                    for seconds in (20, 30):            # begins to recall it, then drafts it
                        thinking.reporting.turn(time.time_ns() + seconds * 10**9)
                rows = {row.what: row for row in await done(client, deed, store)}
                assert deed.what in rows, (deed, sorted(rows))
                check(deed, rows[deed.what])
            assert store.verify() is None

    asyncio.run(run())


def check(deed: Deed, row: Row) -> None:
    detail = json.loads(row.detail)
    assert row.who.startswith("loopback"), deed
    assert "ann" in row.who + str(detail.get("note", "")) or "actor" not in deed.body, (deed, row)
    assert detail.keys() >= {"before", "after"}, (deed, row)
    assert detail["before"] != detail["after"] or deed.what == "incident.comment", (deed, row)
    assert deed.reason in f"{detail.get('reason')} {detail.get('verdict')}", (deed, row)


@pytest.mark.parametrize("path", sorted(path for _, path in ONLY_ASK))
def test_what_only_asks_leaves_nothing(tmp_path: Path, path: str) -> None:
    async def run() -> None:
        app = make_app(tmp_path)
        async with TestClient(TestServer(app)) as client:
            before = len(app[RELOADER].store().audit(1000))
            assert (await client.post(path, json={"documents": documents(("10/s", "20/s"))})).status == 200
            assert len(app[RELOADER].store().audit(1000)) == before

    asyncio.run(run())
