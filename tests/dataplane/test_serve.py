"""The data plane of one worker, without its sockets: made from a plan, ticked, drained."""
import asyncio
import gc
import logging
import resource
import weakref
from typing import Any

import pytest
from data_path import API, LISTENER, TO_API, get, status
from hypothesis import given
from hypothesis import strategies as st
from transports import Loop, Peer, Transport

from gateway import _fastpath, board
from gateway.dataplane import serve
from gateway.dataplane.downstream import DownstreamConnection
from gateway.routing import plan as plans

PLAN = plans.Plan((LISTENER,), (API,), (TO_API,))
LOG = logging.getLogger("data plane")


def rows(*routes: str) -> board.WorkerBoard:
    made = board.Board.create(board.Capacity(1, 64, 64), boot_ns=1, boot_utc_ns=1)
    made.name_rows(routes, [("api", "127.0.0.1:9001")], generation=1, upstreams=["api"])
    return board.WorkerBoard(made, 0)


def data_plane(plan: plans.Plan = PLAN) -> serve.DataPlane:
    return serve.DataPlane(asyncio.get_running_loop(), plan, worker=0, board=rows("all"), log=LOG)


class SoonLost(Transport):
    """Its loop is asyncio's: what is aborted is lost in the next turn."""

    def abort(self) -> None:
        super().abort()
        asyncio.get_running_loop().call_soon(self._loop.run)


def client_of(served: serve.DataPlane, address: str = "192.0.2.7") -> Peer:
    plane: Any = served._plane
    peer = Peer.__new__(Peer)
    loop = Loop()
    peer.connection = DownstreamConnection(plane, served._doors[0], (address, 40000))
    peer.transport, peer._loop, peer._heard = SoonLost(loop, peer.connection), loop, 0
    peer.transport.connect()
    return peer


def later(seconds: float) -> int:
    return _fastpath.monotonic_ns() + int(seconds * 1e9)


@given(st.integers(1, 1 << 20))
def test_the_bound_of_connections_is_what_was_configured(configured: int) -> None:
    assert serve.connection_bound(configured) == configured


@pytest.mark.parametrize(("open_files", "bound"), [(1024, 768), (65536, 52377), (64, 16), (10, 16)])
def test_the_bound_of_connections_leaves_descriptors_for_upstreams(
    open_files: int, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (open_files, open_files))
    assert serve.connection_bound(0) == bound


def test_a_route_without_a_row_on_the_board_is_refused() -> None:
    async def make() -> None:
        with pytest.raises(KeyError):
            data_plane(plans.Plan((LISTENER,), (API,), (plans.Route("other", upstream="api"),)))

    asyncio.run(make())


def test_an_idle_worker_is_finished_with_the_next_tick() -> None:
    async def drain() -> bool:
        served = data_plane()
        served.begin_drain()
        asyncio.get_running_loop().call_soon(served.tick, later(0))
        return await served.finished(60)

    assert asyncio.run(drain())


def test_an_idle_client_is_closed_in_a_drain_and_a_busy_one_waited_for() -> None:
    async def drain() -> None:
        served = data_plane(plans.Plan((LISTENER,), (), (plans.Route("all", respond=plans.Respond()),)))
        idle, silent = client_of(served), client_of(served)
        idle.says(get())
        silent.says(get()[:-1])
        served.begin_drain()
        served.tick(later(0.9))
        assert not idle.transport.closing
        served.tick(later(1.1))
        assert idle.transport.closing
        assert not silent.transport.closing
        silent.says(b"\n")
        assert b"Connection: close" in silent.hears()

    asyncio.run(drain())


def test_what_does_not_end_in_time_is_aborted() -> None:
    async def drain() -> None:
        served = data_plane()
        client = client_of(served)
        client.says(get()[:-1])
        served.begin_drain()
        assert not await served.finished(0.01)
        assert client.was_reset
        assert client.is_gone
        assert served.snapshot()["connections"] == 0

    asyncio.run(drain())


def test_a_tick_fires_deadlines() -> None:
    async def tick() -> None:
        served = data_plane()
        client = client_of(served)
        served.tick(later(9))
        assert not client.transport.closing
        served.tick(later(11))
        assert client.transport.closing

    asyncio.run(tick())


def test_a_deadline_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def tick() -> None:
        served = data_plane()
        client = client_of(served)
        client.transport.close = client.transport.abort = None      # type: ignore[method-assign, assignment]
        served.tick(later(11))

    asyncio.run(tick())
    assert "a deadline failed" in caplog.text


def test_a_snapshot_tells_the_state_of_every_pool() -> None:
    async def look() -> dict[str, object]:
        return data_plane().snapshot()

    told = asyncio.run(look())
    assert told["upstreams"] == {"api": [{"address": "127.0.0.1:9001", "active": 0, "connections": 0, "idle": 0}]}
    assert (told["connections"], told["active"], told["tunnels"], told["accepting"]) == (0, 0, 0, {})


# Two plans at the same time

def answering(status: int) -> plans.Plan:
    return plans.Plan((LISTENER,), (), (plans.Route("all", respond=plans.Respond(status)),))


def sides(served: serve.DataPlane, clients: int = 200) -> list[int]:
    """What each of so many clients is answered."""
    found = []
    for number in range(clients):
        client = client_of(served, f"10.0.0.{number}")
        client.says(get())
        found.append(status(client.hears()))
    return found


def test_united_all_clients_have_the_newer_plan_and_the_older_is_let_go() -> None:
    async def unite() -> None:
        on = rows("all")
        on.board.header["share"] = 2**32 // 4
        served = serve.DataPlane(asyncio.get_running_loop(), answering(200), worker=0, board=on, log=LOG)
        served.commit(served.prepare(answering(200), on), 7)
        served.commit(served.prepare(answering(299), on, beside=True), 8)
        before = sides(served)
        assert served.divided == 7
        assert 20 <= before.count(299) <= 80
        older = weakref.ref(served._plane.beside)
        served.unite()
        gc.collect()
        assert (served.divided, set(sides(served)), older()) == (0, {299}, None)
        on.board.header["share"] = 0                    # a word that a divided plane would heed
        assert set(sides(served, 20)) == {299}
        served.overload.stop()

    asyncio.run(unite())
