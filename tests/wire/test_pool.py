"""Connections to the upstream: used again, let go in time, tried again only where that is safe."""
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import gateways
from wire.peers import addresses, node
from wire.peers.child import until
from wire.peers.raw_client import RawClient, ask, request
from wire.peers.scripted_upstream import Close, Deafness, ReadBody, Reset, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire
OK = Send(answer(200, b"ok"))
Scene = tuple[ScriptedUpstream, str]


@pytest.fixture(scope="module")
def running() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


@pytest.fixture
def scene(running: Scene) -> Scene:
    """With an empty pool, and nothing seen yet."""
    running[0].forget_everything()
    return running


def test_upstream_connection_serves_many_clients(scene: Scene) -> None:
    api, address = scene
    api.on("/reused", OK)
    assert [ask(address, "/reused").status for _ in range(10)] == [200] * 10
    assert {seen.connection.number for seen in api.seen("/reused")} == {0}


def test_connection_close_of_the_upstream_is_obeyed(scene: Scene) -> None:
    api, address = scene
    api.on("/once", Send(answer(200, b"ok", connection="close")))
    assert [ask(address, "/once").status for _ in range(3)] == [200] * 3
    assert [seen.connection.number for seen in api.seen("/once")] == [0, 1, 2]


@pytest.mark.parametrize("ending", [Close(), Reset()], ids=["closed", "reset"])
def test_get_on_a_connection_that_dies_is_sent_once_more_on_a_fresh_one(scene: Scene, ending: Close | Reset) -> None:
    api, address = scene
    api.on("/first", OK)
    api.on("/dies", ending)
    api.on("/dies", OK)
    assert ask(address, "/first").status == 200
    assert ask(address, "/dies").body == b"ok"
    assert [seen.connection.number for seen in api.seen("/dies")] == [0, 1]


def test_get_is_not_sent_a_third_time(scene: Scene) -> None:
    api, address = scene
    api.on("/first", OK)
    api.on("/always-dies", Close())
    assert ask(address, "/first").status == 200
    said = ask(address, "/always-dies")
    assert (said.status, said["content-type"]) == (502, "application/problem+json")
    assert len(api.seen("/always-dies")) == 2


@pytest.mark.parametrize("body", [b"", b"pay 5"], ids=["without a body", "with a body"])
def test_post_is_never_sent_twice(scene: Scene, body: bytes) -> None:
    api, address = scene
    api.on("/first", OK)
    api.on("/pay", ReadBody(), Close())
    assert ask(address, "/first").status == 200
    assert ask(address, "/pay", method="POST", body=body).status == 502
    assert len(api.seen("/pay")) == 1


def test_streamed_put_is_never_sent_twice(scene: Scene) -> None:
    api, address = scene
    api.on("/first", OK)
    api.on("/streamed", Close())
    assert ask(address, "/first").status == 200
    with RawClient(address) as client:
        client.sends(b"PUT /streamed HTTP/1.1\r\nHost: gate\r\nContent-Length: 10\r\n\r\nabc")
        assert client.reads_answer("PUT").status == 502
    assert len(api.seen("/streamed")) == 1


def test_request_that_got_part_of_an_answer_is_not_sent_again(scene: Scene) -> None:
    api, address = scene
    api.on("/first", OK)
    api.on("/begun", Send(b"HTTP/1.1 200 O"), Close())
    assert ask(address, "/first").status == 200
    assert ask(address, "/begun").status == 502
    assert len(api.seen("/begun")) == 1


def test_idle_connection_closed_by_the_upstream_is_never_used(scene: Scene) -> None:
    api, address = scene
    api.on("/then-closes", OK, Close())
    api.on("/post", ReadBody(), OK)
    for turn in range(5):
        assert ask(address, "/then-closes").status == 200
        until(lambda turn=turn: len([c for c in api.connections if c.ended]) > turn, what="the close")
        time.sleep(0.05)
        assert ask(address, "/post", method="POST", body=b"abc").status == 200


def test_upstream_that_announces_one_second_is_not_kept(scene: Scene) -> None:
    api, address = scene
    api.on("/short", Send(answer(200, b"ok", keep_alive="timeout=1")))
    assert [ask(address, "/short").status for _ in range(2)] == [200, 200]
    assert [seen.connection.number for seen in api.seen("/short")] == [0, 1]


def test_idle_connection_is_closed_a_second_before_the_upstream_would(scene: Scene) -> None:
    api, address = scene
    api.on("/two", Send(answer(200, b"ok", keep_alive="timeout=2, max=100")))
    assert [ask(address, "/two").status for _ in range(2)] == [200, 200]
    assert len(api.connections) == 1
    until(lambda: api.connections[0].ended == "closed", within=1.8, what="the idle connection's end")


def test_node_never_sees_a_request_on_a_connection_it_is_closing(tmp_path: Path) -> None:
    with (
        node.running(tmp_path, keep_alive_ms=2000) as server,
        gateways.running(gateways.before(server)) as gateway,
        RawClient(gateway.address) as client,
    ):
        for pause in (0.95, 1.95, 2.0, 0.0):
            client.sends(request("/x", method="POST", body=b"never twice"))
            assert client.reads_answer().status == 200
            time.sleep(pause)


def test_idle_time_of_the_config_is_obeyed() -> None:
    with upstream() as api:
        api.on("/idle", OK)
        config = gateways.before(api.address, upstream={"pool": {"idle": "300ms"}})
        with gateways.running(config) as gateway:
            assert ask(gateway.address, "/idle").status == 200
            until(lambda: api.connections[0].ended == "closed", within=2, what="the idle connection's end")


def test_pool_keeps_no_more_idle_connections_than_configured() -> None:
    over = threading.Event()
    with upstream() as api:
        api.on("/held", Deafness(over), OK)
        config = gateways.before(api.address, upstream={"pool": {"max_idle": 2}})
        with gateways.running(config) as gateway:
            clients = [RawClient(gateway.address) for _ in range(5)]
            for client in clients:
                client.sends(request("/held"))
            until(lambda: len(api.connections) == 5, what="five connections")
            over.set()
            assert [client.reads_answer().status for client in clients] == [200] * 5
            until(lambda: len([c for c in api.connections if c.ended]) == 3, within=2, what="three ends")
            for client in clients:
                client.stream.close()


def test_full_pool_is_answered_503() -> None:
    over = threading.Event()
    with upstream() as api:
        api.on("/held", Deafness(over), OK)
        config = gateways.before(api.address, upstream={"pool": {"max_connections": 1}})
        with gateways.running(config) as gateway, RawClient(gateway.address) as first:
            first.sends(request("/held"))
            api.saw("/held")
            said = ask(gateway.address, "/held")
            over.set()
            assert first.reads_answer().status == 200
    assert (said.status, json.loads(said.body)["reason"]) == (503, "pool_full")


@pytest.mark.parametrize("balance", ["round_robin", "least_request"])
def test_dead_endpoint_is_passed_over(balance: str) -> None:
    with upstream() as api:
        api.on("/living", ReadBody(), Send(answer(200, b"ok", connection="close")))
        config = gateways.before(addresses.free_address(), api.address, upstream={"balance": balance})
        with gateways.running(config) as gateway:
            posted = [ask(gateway.address, "/living", method="POST", body=b"x" * 2000) for _ in range(10)]
    assert [said.status for said in posted] == [200] * 10
    assert [seen.data for seen in api.seen("/living")] == [b"x" * 2000] * 10


def test_no_living_endpoint_is_a_bad_gateway() -> None:
    with gateways.running(gateways.before(addresses.free_address(), addresses.free_address())) as gateway:
        said = ask(gateway.address, "/x", method="POST", body=b"abc")
    assert (said.status, said["content-type"]) == (502, "application/problem+json")
    assert json.loads(said.body)["reason"] == "connect_failed"


def test_round_robin_follows_the_weights() -> None:
    with upstream() as heavy, upstream() as light:
        for api in (heavy, light):
            api.on("/turn", OK)
        endpoints = [{"address": heavy.address, "weight": 3}, {"address": light.address, "weight": 1}]
        config = gateways.before(upstream={"endpoints": endpoints, "balance": "round_robin"})
        with gateways.running(config) as gateway:
            assert [ask(gateway.address, "/turn").status for _ in range(40)] == [200] * 40
    assert (len(heavy.requests), len(light.requests)) == (30, 10)


def test_name_of_an_endpoint_is_resolved() -> None:
    with upstream() as api:
        api.on("/named", OK)
        endpoint = api.address.replace("127.0.0.1", socket.gethostname() if _resolves() else "localhost")
        with gateways.running(gateways.before(endpoint)) as gateway:
            assert ask(gateway.address, "/named").body == b"ok"


def _resolves() -> bool:
    try:
        return socket.gethostbyname(socket.gethostname()) == "127.0.0.1"
    except OSError:
        return False


def test_metrics_show_what_waits_in_the_pool() -> None:
    with upstream() as api:
        api.on("/kept", OK)
        with gateways.running(gateways.before(api.address, upstream={"pool": {"idle": "1m"}})) as gateway:
            assert ask(gateway.address, "/kept").status == 200
            idle = f'gateway_endpoint_idle{{endpoint="{api.address}",upstream="api"}} 1.0'
            until(lambda: idle in gateway.process.metrics(), what="the gauge of idle connections")
