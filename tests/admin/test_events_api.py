"""Server-sent events over a real connection, and the ETag of the config."""
import asyncio
import json
import time
from pathlib import Path
from typing import Any

from admin.whole_api import CONFIG, DELIBERATION, make_app
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin.events_api import LIVE


async def events(answer: ClientResponse, count: int) -> dict[str, Any]:
    """The last of each kind among so many."""
    found: dict[str, Any] = {}
    kind = ""
    while count:
        line = (await asyncio.wait_for(answer.content.readline(), 5)).decode().strip()
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found[kind] = json.loads(line.removeprefix("data: "))
            count -= 1
    return found


def test_a_listener_is_told_how_everything_is_and_then_what_changes(tmp_path: Path) -> None:
    async def run() -> None:
        app = make_app(tmp_path)
        async with TestClient(TestServer(app)) as client:
            app[DELIBERATION].try_turn(time.time_ns())
            app[LIVE].turn()
            async with client.get("/v1/events") as answer:
                assert answer.content_type == "text/event-stream"
                first = await events(answer, 8)
                assert first["traffic"]["requests"] == 0
                assert first["config"]["revision"]["number"] == 1
                assert first["isolations"] == {"fault": "", "standing": []}
                await client.post("/v1/isolations", json={"target": "route:orders", "reason": "a test"})
                app[LIVE].turn()
                then = await events(answer, 3)
                assert then["isolations"]["standing"][0]["target"] == "route:orders"
                assert [each["safeguard"] for each in then["safeguards"]] == ["isolation"]
                status = await (await client.get("/v1/status")).json()
                assert status["events"]["listeners"] == 1

    asyncio.run(run())


def test_who_is_slower_than_another_is_told_so_and_changes_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with TestClient(TestServer(make_app(tmp_path))) as client:
            seen = (await client.get("/v1/config")).headers["ETag"]
            assert seen == '"1"'
            answer = await client.post("/v1/config/rollback", json={}, headers={"If-Match": '"7"'})
            assert answer.status == 412
            assert "revision 1 is served by now, not 7" in (await answer.json())["detail"]
            sent = {"documents": {"gateway.yaml": CONFIG.replace("10/s", "20/s")}}
            answer = await client.post("/v1/config", json=sent, headers={"If-Match": '"2"'})
            assert answer.status == 412
            answer = await client.post("/v1/config", json=sent, headers={"If-Match": "nonsense"})
            assert answer.status == 400

    asyncio.run(run())


def test_long_lists_come_in_pages_that_leave_nothing_out(tmp_path: Path) -> None:
    async def run() -> None:
        async with TestClient(TestServer(make_app(tmp_path))) as client:
            for _ in range(5):
                await client.post("/v1/isolations", json={"target": "route:orders", "reason": "again"})
            found, path = [], "/v1/isolations?all=true&limit=2"
            before = ""
            while True:
                page = await (await client.get(path + before)).json()
                found += [each["id"] for each in page["isolations"]]
                if page["next"] is None:
                    break
                before = f"&before={page['next']}"
            assert found == [5, 4, 3, 2, 1]

    asyncio.run(run())
