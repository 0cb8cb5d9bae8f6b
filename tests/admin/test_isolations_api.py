"""Isolation and forced breakers over the admin API: what is answered, and what each mistake is told."""
import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin import api
from gateway.board import Board, Capacity
from gateway.control.overrides import Overrides
from gateway.record.store import Store, open_store

LOG = logging.getLogger("test")
ISOLATE = {"target": "route:orders", "reason": "leaks data", "actor": "ann"}
Talk = Callable[["Asking"], Coroutine[Any, Any, None]]


class Asking:
    """A board with route orders and upstream api, and its admin API."""

    def __init__(self, folder: Path) -> None:
        self.board = Board.create(Capacity.room_for(1, 1, 1), boot_ns=time.monotonic_ns(), boot_utc_ns=0)
        self.board.name_rows(("orders",), (("api", "127.0.0.1:9001"),), generation=1, upstreams=["api"])
        self.store: Store = open_store(folder, 1, LOG)

    async def __aenter__(self) -> "Asking":
        overrides = Overrides(self.board, lambda: self.store, LOG)
        self._client: TestClient[Any, Any] = TestClient(TestServer(api.make_app(self.board, None, overrides)))
        await self._client.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        if body is not None:
            more["json"] = body
        answer = await self._client.request(method, path, **more)
        return answer.status, await answer.json(content_type=None)

    def isolated_until(self) -> int:
        return self.board.control("routes", self.board.names("routes")["orders"])["isolated_until"]


def talk(folder: Path, what: Talk) -> None:
    async def run() -> None:
        async with Asking(folder) as ask:
            await what(ask)

    asyncio.run(run())


def test_an_isolation_is_made_shown_listed_and_released(tmp_path: Path) -> None:
    async def life(ask: Asking) -> None:
        status, made = await ask("POST", "/v1/isolations", ISOLATE | {"ttl": "90s", "keep_open": True})
        assert status == 201
        assert (made["target"], made["who"], made["actor"], made["keep_open"]) == (
            "route:orders", "loopback", "ann", True)
        assert 89 < made["seconds_left"] <= 90
        assert made["touches"] == {"requests": 0, "total": 0, "share": None, "seconds": 60}
        assert ask.isolated_until() > time.monotonic_ns()
        assert [each["id"] for each in (await ask("GET", "/v1/isolations"))[1]["isolations"]] == [made["id"]]
        status, ended = await ask("DELETE", f"/v1/isolations/{made['id']}", {"reason": "fixed", "actor": "ben"})
        assert (status, ended["ended"], ended["in_force"]) == (200, "released", False)
        assert ask.isolated_until() == 0
        assert (await ask("GET", "/v1/isolations"))[1] == {"isolations": [], "next": None}
        assert (await ask("GET", "/v1/isolations?all=true"))[1]["isolations"][0]["ended"] == "released"
        assert (await ask("GET", f"/v1/isolations/{made['id']}"))[1]["ended"] == "released"
        status, problem = await ask("DELETE", f"/v1/isolations/{made['id']}")
        assert (status, problem["detail"]) == (404, "isolation 1 is not in force; `gateway status` lists what is")

    talk(tmp_path, life)


def test_a_breaker_is_forced_listed_and_left_to_itself(tmp_path: Path) -> None:
    async def life(ask: Asking) -> None:
        status, made = await ask("POST", "/v1/breakers/api", {"state": "open", "reason": "deploy", "ttl": "5m"})
        assert (status, made["state"], made["target"]) == (201, "open", "upstream:api")
        assert (await ask("GET", "/v1/breakers"))[1]["breakers"][0]["id"] == made["id"]
        assert (await ask("GET", "/v1/isolations"))[1] == {"isolations": [], "next": None}
        status, lifted = await ask("POST", "/v1/breakers/api", {"state": "auto"})
        assert (status, lifted["ended"]) == (200, "released")
        assert (await ask("POST", "/v1/breakers/api", {"state": "auto"}))[0] == 404

    talk(tmp_path, life)


MISTAKES = [
    ({"target": "route:orders"}, 400, "`reason` is missing"),
    (ISOLATE | {"reason": " "}, 400, "a reason of 1 to 500"),
    (ISOLATE | {"reason": 7}, 400, "`reason` must be a text"),
    (ISOLATE | {"target": "orders"}, 400, "write route:NAME"),
    (ISOLATE | {"target": "route:order"}, 404, "there is no route:order; known here: orders"),
    (ISOLATE | {"target": "route:-"}, 404, "there is no route:-"),
    (ISOLATE | {"ttl": "30"}, 400, "ttl: '30' has no unit; write 30s"),
    (ISOLATE | {"ttl": "1000h"}, 400, "belongs into the config"),
    (ISOLATE | {"for": "30m"}, 400, "'for' is not known here; write target"),
    (ISOLATE | {"keep_open": "yes"}, 400, "`keep_open` must be true or false"),
    ([ISOLATE], 400, "the body must be a JSON object"),
]


@pytest.mark.parametrize(("body", "status", "detail"), MISTAKES)
def test_a_mistake_is_told_what_to_do_and_changes_nothing(tmp_path: Path, body: Any, status: int, detail: str) -> None:
    async def mistake(ask: Asking) -> None:
        got, problem = await ask("POST", "/v1/isolations", body)
        assert (got, problem["status"]) == (status, status)
        assert detail in problem["detail"]
        assert (ask.isolated_until(), ask.store.audit()) == (0, [])

    talk(tmp_path, mistake)


@pytest.mark.parametrize(("body", "status", "detail"), [
    ({"state": "half-open", "reason": "why"}, 400, "`state` must be open, closed or auto"),
    ({"state": "open"}, 400, "`reason` is missing"),
    ({"state": "open", "reason": ""}, 400, "a reason of 1 to 500"),
])
def test_a_mistake_about_a_breaker_too(tmp_path: Path, body: Any, status: int, detail: str) -> None:
    async def mistake(ask: Asking) -> None:
        got, problem = await ask("POST", "/v1/breakers/api", body)
        assert (got, detail in problem["detail"]) == (status, True)
        assert (await ask("POST", "/v1/breakers/apx", {"state": "open", "reason": "why"}))[0] == 404

    talk(tmp_path, mistake)


def test_what_is_not_json_is_refused_as_a_page_could_send_it(tmp_path: Path) -> None:
    async def forms(ask: Asking) -> None:
        text = '{"target": "route:orders", "reason": "why"}'
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            status, problem = await ask("POST", "/v1/isolations", data=text, headers={"Content-Type": kind})
            assert (status, kind in problem["detail"]) == (415, True)
        status, _ = await ask("POST", "/v1/isolations", data="{", headers={"Content-Type": "application/json"})
        assert status == 400
        assert (await ask("POST", "/v1/isolations", ISOLATE, headers={"Origin": "https://evil.example"}))[0] == 403
        assert (await ask("DELETE", "/v1/isolations/1", headers={"Host": "evil.example"}))[0] == 403
        assert ask.isolated_until() == 0

    talk(tmp_path, forms)


def test_what_cannot_be_stored_is_a_503_and_not_in_force(tmp_path: Path) -> None:
    async def full(ask: Asking) -> None:
        await ask("GET", "/v1/isolations")
        ask.store._connection.execute("PRAGMA query_only = ON")
        status, problem = await ask("POST", "/v1/isolations", ISOLATE)
        assert (status, problem["title"]) == (503, "Not Done")
        assert ask.isolated_until() == 0

    talk(tmp_path, full)
