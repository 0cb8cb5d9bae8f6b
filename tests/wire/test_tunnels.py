"""`Connection: upgrade`: after the 101 bytes pass both ways untouched, each direction ending on its own."""
import asyncio
import hashlib
import threading
from collections.abc import Iterator

import pytest
import websockets.sync.client
import websockets.sync.server
from wire import gateways
from wire.peers import addresses
from wire.peers.child import until
from wire.peers.raw_client import RawClient, ask, request
from wire.peers.scripted_upstream import (
    Close,
    HalfClose,
    Pause,
    Read,
    ScriptedUpstream,
    Send,
    Silence,
    answer,
    upstream,
)

pytestmark = pytest.mark.wire
UPGRADE = ("Connection: keep-alive, Upgrade", "Upgrade: chat/1")
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat/1\r\n\r\n"
Scene = tuple[ScriptedUpstream, str]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


def test_tunnel_carries_bytes_both_ways(scene: Scene) -> None:
    api, address = scene
    api.on("/chat", Send(SWITCHED), Read(5), Send(b"\x00\xffback"), Close())
    with RawClient(address) as client:
        client.sends(request("/chat", *UPGRADE))
        head = client.reads_until(b"\r\n\r\n").lower()
        assert head.startswith(b"http/1.1 101 ")
        assert b"\r\nupgrade: chat/1\r\n" in head
        client.sends(b"\x01\r\n\x02\x03")
        assert client.reads_to_the_end() == b"\x00\xffback"
    seen = api.saw("/chat")
    assert seen["upgrade"] == "chat/1"
    assert "upgrade" in seen["connection"].lower()
    assert bytes(seen.body) == b"\x01\r\n\x02\x03"


def test_bytes_right_behind_the_101_are_not_lost(scene: Scene) -> None:
    api, address = scene
    api.on("/at-once", Send(SWITCHED + b"welcome"), Read(2), Close())
    with RawClient(address) as client:
        client.sends(request("/at-once", *UPGRADE))
        assert client.reads_until(b"welcome").lower().startswith(b"http/1.1 101 ")
        client.sends(b"ok")
        assert client.reads_to_the_end() == b""


def test_bytes_right_behind_the_request_wait_for_the_101(scene: Scene) -> None:
    api, address = scene
    api.on("/hasty", Pause(0.05), Send(SWITCHED), Read(5), Send(b"heard"), Close())
    with RawClient(address) as client:
        client.sends(request("/hasty", *UPGRADE) + b"hasty")
        client.reads_until(b"\r\n\r\n")
        assert client.reads_to_the_end() == b"heard"


def test_client_may_finish_speaking_and_still_listen(scene: Scene) -> None:
    api, address = scene
    api.on("/client-half", Send(SWITCHED), Silence(), Send(b"all heard"), Close())
    with RawClient(address) as client:
        client.sends(request("/client-half", *UPGRADE))
        client.reads_until(b"\r\n\r\n")
        client.sends(b"last words")
        client.half_closes()
        assert client.reads_to_the_end() == b"all heard"
        assert client.ended == "closed"
    assert bytes(api.saw("/client-half").body) == b"last words"


def test_upstream_may_finish_speaking_and_still_listen(scene: Scene) -> None:
    api, address = scene
    api.on("/upstream-half", Send(SWITCHED + b"done"), HalfClose(), Silence())
    with RawClient(address) as client:
        client.sends(request("/upstream-half", *UPGRADE))
        client.reads_until(b"done")
        assert client.reads_to_the_end() == b""
        client.sends(b"still talking")
        client.half_closes()
        seen = api.saw("/upstream-half")
        until(lambda: bytes(seen.body) == b"still talking", what="the rest at the upstream")


def test_refused_upgrade_is_an_ordinary_answer(scene: Scene) -> None:
    api, address = scene
    api.on("/no-chat", Send(answer(426, b"no")))
    api.on("/plain", Send(answer(200, b"plain")))
    with RawClient(address) as client:
        client.sends(request("/no-chat", *UPGRADE))
        assert client.reads_answer().status == 426
        client.sends(request("/plain"))
        assert client.reads_answer().body == b"plain"


def test_offer_to_switch_to_http_2_is_not_sent_on(scene: Scene) -> None:
    """Behind an h2c upgrade requests would pass unseen ("h2c smuggling")."""
    api, address = scene
    api.on("/h2c", Send(answer(200, b"plain")))
    said = ask(address, "/h2c", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    assert said.body == b"plain"
    seen = api.saw("/h2c")
    assert seen.all("upgrade") + seen.all("http2-settings") == []


def test_101_that_nobody_asked_for_is_a_bad_gateway(scene: Scene) -> None:
    api, address = scene
    api.on("/unasked", Send(SWITCHED), Silence())
    assert ask(address, "/unasked").status == 502


def test_client_that_leaves_ends_the_tunnel_at_the_upstream(scene: Scene) -> None:
    api, address = scene
    api.on("/leaves", Send(SWITCHED), Silence())
    with RawClient(address) as client:
        client.sends(request("/leaves", *UPGRADE))
        client.reads_until(b"\r\n\r\n")
        client.resets()
    connection = api.saw("/leaves").connection
    until(lambda: connection.ended, what="the end of the tunnel at the upstream")


def test_large_bytes_pass_a_tunnel_unchanged_both_ways(scene: Scene) -> None:
    api, address = scene
    data = hashlib.shake_128(b"tunnel").digest(4_000_000)
    api.on("/large", Send(SWITCHED), Read(len(data)), Send(data), Close())
    with RawClient(address) as client:
        client.sends(request("/large", *UPGRADE))
        client.reads_until(b"\r\n\r\n")
        client.sends(data)
        assert client.reads_to_the_end() == data
    assert bytes(api.saw("/large").body) == data


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """A WebSocket server behind a gateway: the gateway's address."""

    def repeat(connection: websockets.sync.server.ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with websockets.sync.server.serve(repeat, "127.0.0.1", addresses.free_port(), max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with gateways.running(gateways.before(addresses.bound(server.socket))) as gateway:
            yield gateway.address
        server.shutdown()
        thread.join(5)


def test_websocket_messages_of_every_size_come_back(echo: str) -> None:
    with websockets.sync.client.connect(f"ws://{echo}/echo", max_size=None, proxy=None) as client:
        for message in ("hello", "", "ü" * 1000, b"\x00" * 70_000, b"z" * 3_000_000):
            client.send(message)
            assert client.recv(timeout=10) == message


def test_websocket_pings_and_the_closing_handshake_pass(echo: str) -> None:
    with websockets.sync.client.connect(f"ws://{echo}/echo", proxy=None) as client:
        assert client.ping().wait(5)
        client.close(code=1001, reason="going")
        assert client.close_code == 1001


def test_many_websockets_at_once_do_not_mix(echo: str) -> None:
    async def talk(name: int) -> list[str]:
        async with websockets.connect(f"ws://{echo}/{name}", proxy=None) as client:
            for turn in range(20):
                await client.send(f"{name}:{turn}")
            return [str(await client.recv()) for _ in range(20)]

    async def all_talk() -> list[list[str]]:
        return await asyncio.gather(*(talk(name) for name in range(20)))

    assert asyncio.run(all_talk()) == [[f"{name}:{turn}" for turn in range(20)] for name in range(20)]
