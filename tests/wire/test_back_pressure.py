"""A slow side pauses the other: whatever the body, a worker holds no more than its buffers."""
import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import gateways
from wire.peers import curl, nginx, python_server
from wire.peers.raw_client import RawClient, request
from wire.peers.scripted_upstream import Deafness, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire
MIB = 1 << 20
BLOCK = hashlib.shake_128(b"block").digest(MIB)


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[ScriptedUpstream, gateways.Running]]:
    long = {"body": "30s", "keep_alive": "30s"}
    with upstream(receive_buffer=65536) as api:
        config = gateways.before(api.address, listener={"timeouts": long}, upstream={"timeouts": {"idle": "30s"}})
        with gateways.running(config) as gateway:
            api.on("/warm", Send(answer(200, BLOCK)))
            for _ in range(3):
                with RawClient(gateway.address) as client:
                    client.sends(request("/warm"))
                    client.reads_answer()
            yield api, gateway


def download_head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_client_that_reads_slowly_holds_no_more_than_its_buffer(
    scene: tuple[ScriptedUpstream, gateways.Running], chunked: bool
) -> None:
    api, gateway = scene
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" if chunked else download_head(64 * MIB)
    block = f"{MIB:x}\r\n".encode() + BLOCK + b"\r\n" if chunked else BLOCK
    target = f"/slow-client/{chunked}"
    api.on(target, Send(head), *[Send(block)] * 64)
    before = gateways.private_memory(gateway.worker)
    with RawClient(gateway.address, receive_buffer=16384) as client:
        client.sends(request(target))
        grown = 0
        for _ in range(8):
            assert client.reads(256)
            time.sleep(0.25)
            grown = max(grown, gateways.private_memory(gateway.worker) - before)
        print(f"grown by {grown >> 10} KiB")
        assert grown < MIB
        client.resets()


def test_upstream_that_does_not_read_holds_no_more_than_its_buffer(
    scene: tuple[ScriptedUpstream, gateways.Running],
) -> None:
    api, gateway = scene
    over = threading.Event()
    api.on("/deaf", Deafness(over), Send(answer(200)))
    before = gateways.private_memory(gateway.worker)
    with RawClient(gateway.address) as client:
        taken = _push(client, b"POST /deaf HTTP/1.1\r\nHost: gate\r\nContent-Length: 67108864\r\n\r\n")
        grown = gateways.private_memory(gateway.worker) - before
        over.set()
        client.resets()
    print(f"grown by {grown >> 10} KiB")
    assert grown < MIB
    assert taken < 64 * MIB


def _push(client: RawClient, head: bytes) -> int:
    """Send head and blocks until the gateway takes nothing for a second: how much it took."""
    client.sends(head)
    client.stream.settimeout(1)
    taken = 0
    with contextlib.suppress(TimeoutError):
        while taken < 64 * MIB:
            taken += client.stream.send(BLOCK)
    return taken


def test_slow_tunnel_holds_no_more_than_its_buffer(scene: tuple[ScriptedUpstream, gateways.Running]) -> None:
    api, gateway = scene
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    api.on("/slow-tunnel", Send(switched), *[Send(BLOCK)] * 64)
    before = gateways.private_memory(gateway.worker)
    with RawClient(gateway.address, receive_buffer=16384) as client:
        client.sends(request("/slow-tunnel", "Connection: upgrade", "Upgrade: x"))
        client.reads_until(b"\r\n\r\n")
        for _ in range(4):
            assert client.reads(256)
            time.sleep(0.25)
        grown = gateways.private_memory(gateway.worker) - before
        client.resets()
    assert grown < MIB


def test_client_that_leaves_mid_download_stops_the_upstream(
    scene: tuple[ScriptedUpstream, gateways.Running],
) -> None:
    api, gateway = scene
    api.on("/left", Send(download_head(64 * MIB)), *[Send(BLOCK)] * 64)
    with RawClient(gateway.address) as client:
        client.sends(request("/left"))
        client.reads(1000)
        client.stream.shutdown(socket.SHUT_RDWR)
    connection = api.saw("/left").connection
    deadline = time.monotonic() + 5
    while not connection.ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert connection.ended == "reset"


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """256 MiB that do not repeat by the block, and their SHA-256."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for number in range(256):
            block = number.to_bytes(4, "big") + BLOCK[4:]
            file.write(block)
            digest.update(block)
    return path, digest.hexdigest()


def test_256_mib_download_arrives_whole_with_flat_memory(large_file: tuple[Path, str], tmp_path: Path) -> None:
    path, digest = large_file
    with nginx.files(path.parent, tmp_path) as files, gateways.running(gateways.before(files)) as gateway:
        url = f"http://{gateway.address}/large.bin"
        curl.run("-r", "0-9999999", "-o", "/dev/null", url)
        before = gateways.private_memory(gateway.worker)
        found = hashlib.sha256(curl.run(url)).hexdigest()
        grown = gateways.private_memory(gateway.worker) - before
    print(f"grown by {grown >> 10} KiB")
    assert found == digest
    assert grown < MIB


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding: chunked"])
def test_256_mib_upload_arrives_whole_with_flat_memory(
    large_file: tuple[Path, str], tmp_path: Path, framing: str
) -> None:
    path, digest = large_file
    upload = ["-H", "Expect:", *(["-H", framing] if ":" in framing else []), "-T"]
    with python_server.running(tmp_path) as app, gateways.running(gateways.before(app)) as gateway:
        url = f"http://{gateway.address}/sha256"
        curl.run(*upload, __file__, url)
        before = gateways.private_memory(gateway.worker)
        said = curl.run(*upload, str(path), url).decode()
        grown = gateways.private_memory(gateway.worker) - before
    print(f"grown by {grown >> 10} KiB")
    assert said == digest
    assert grown < MIB
