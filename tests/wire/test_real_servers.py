"""Servers that people run, through the gateway: the same answers as directly; and curl in front of it."""
import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets.sync.client
from wire import gateways
from wire.peers import curl, nginx, node, python_server
from wire.peers.raw_client import Answer, RawClient, ask

pytestmark = pytest.mark.wire
PAGE = "\n".join(f"line {number} of the page" for number in range(1000))
OF_THE_CONNECTION = {"date", "connection", "keep-alive", "transfer-encoding", "via", "x-request-id", "server"}


@contextlib.contextmanager
def through_gateway(server: contextlib.AbstractContextManager[str]) -> Iterator[tuple[str, str]]:
    """(address of the server, address of a gateway before it)"""
    with server as direct, gateways.running(gateways.before(direct)) as gateway:
        yield direct, gateway.address


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    root = tmp_path_factory.mktemp("root")
    (root / "page.txt").write_text(PAGE)
    with through_gateway(nginx.files(root, tmp_path_factory.mktemp("nginx"))) as addresses:
        yield addresses


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with through_gateway(python_server.running(tmp_path_factory.mktemp("python"))) as addresses:
        yield addresses


@pytest.fixture(scope="module")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with through_gateway(node.running(tmp_path_factory.mktemp("node"))) as addresses:
        yield addresses


def comparable(answer: Answer) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Without the fields that belong to a connection or to the gateway."""
    fields = sorted((name, value) for name, value in answer.fields if name not in OF_THE_CONNECTION)
    return answer.status, answer.body, fields


@pytest.mark.parametrize(
    ("status", "method", "target", "fields"),
    [
        (200, "GET", "/page.txt", ()),
        (200, "HEAD", "/page.txt", ()),
        (206, "GET", "/page.txt", ("Range: bytes=10-19",)),
        (416, "GET", "/page.txt", ("Range: bytes=900000-",)),
        (200, "GET", "/page.txt", ("Accept-Encoding: gzip",)),
        (304, "GET", "/page.txt", ("If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",)),
        (404, "GET", "/absent", ()),
        (418, "GET", "/teapot", ()),
        (302, "GET", "/moved", ()),
        (405, "DELETE", "/page.txt", ()),
    ],
)
def test_nginx_answers_as_directly(
    files: tuple[str, str], status: int, method: str, target: str, fields: tuple[str, ...]
) -> None:
    direct, through = (ask(address, target, *fields, method=method, host="files") for address in files)
    assert direct.status == status
    assert comparable(through) == comparable(direct)


def test_nginx_sends_several_ranges(files: tuple[str, str]) -> None:
    direct, through = (ask(address, "/page.txt", "Range: bytes=0-4,100-104") for address in files)
    boundary = re.compile(rb"\d{20}")
    assert through.status == 206
    assert boundary.sub(b"", through.body) == boundary.sub(b"", direct.body)


def test_nginx_refuses_a_large_body_early_and_curl_reads_it(files: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 5_000_000)
    upload = ["-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "--data-binary", f"@{tmp_path}/large"]
    assert curl.run(*upload, f"http://{files[1]}/put") == b"413"


def test_nginx_is_asked_for_continue_by_curl(files: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 5_000_000)
    upload = ["-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "-H", "Expect: 100-continue"]
    said = curl.run(*upload, "--data-binary", f"@{tmp_path}/large", f"http://{files[1]}/put")
    assert said == b"413 0"


@pytest.mark.parametrize("server", ["python", "javascript"])
def test_request_is_understood_as_it_was_sent(server: str, request: pytest.FixtureRequest) -> None:
    _, gateway = request.getfixturevalue(server)
    body = bytes(range(256)) * 20
    said = ask(gateway, "/a%20b/c?x=1&y=%2F", "X-Twice: 1", "X-Twice: 2", method="PATCH", body=body)
    heard = json.loads(said.body)
    assert (heard["method"], heard["target"]) == ("PATCH", "/a%20b/c?x=1&y=%2F")
    assert heard["body"].encode("latin-1") == body
    assert [value for name, value in heard["fields"] if name == "x-twice"] == ["1", "2"]


@pytest.mark.parametrize("server", ["python", "javascript"])
def test_curl_uploads_in_chunks(server: str, request: pytest.FixtureRequest) -> None:
    _, gateway = request.getfixturevalue(server)
    sent = Path(__file__).read_bytes()
    upload = ["-H", "Transfer-Encoding: chunked", "-T", __file__]
    assert curl.run(*upload, f"http://{gateway}/sha256").decode() == hashlib.sha256(sent).hexdigest()


def test_aiohttp_streams_an_answer_in_chunks(python: tuple[str, str]) -> None:
    expected = "".join(f"{number}\n" for number in range(2000)).encode()
    assert curl.run(f"http://{python[1]}/count?to=2000") == expected


def test_aiohttp_talks_over_a_websocket(python: tuple[str, str]) -> None:
    with websockets.sync.client.connect(f"ws://{python[1]}/talk", proxy=None) as client:
        client.send("hello")
        assert client.recv(timeout=5) == "HELLO"


def test_node_sends_trailers(javascript: tuple[str, str]) -> None:
    said = ask(javascript[1], "/trailers", "TE: trailers")
    assert said.body.endswith(b"part 99\n")
    assert said.trailers == [("x-sum", "4950")]


def test_node_gets_trailers(javascript: tuple[str, str]) -> None:
    with RawClient(javascript[1]) as client:
        client.sends(b"POST /x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        client.sends(b"3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n")
        heard = json.loads(client.reads_answer().body)
    assert (heard["body"], heard["trailers"]) == ("abc", {"x-sum": "6"})


def test_node_sends_early_hints(javascript: tuple[str, str]) -> None:
    said = ask(javascript[1], "/hints")
    assert [hint.status for hint in said.interim] == [103]
    assert said.body == b"page"


def test_curl_keeps_one_connection_for_many_requests(javascript: tuple[str, str]) -> None:
    urls = [f"http://{javascript[1]}/{number}" for number in range(20)]
    said = curl.run("-w", "%{num_connects}\n", "-o", "/dev/null", *_each(urls)).split()
    assert said.count(b"1") == 1
    assert said.count(b"0") == 19


def _each(urls: list[str]) -> list[str]:
    """Every further URL of one curl needs an -o of its own."""
    return [part for url in urls for part in ("-o", "/dev/null", url)][2:]


def test_curl_speaks_http_1_0(javascript: tuple[str, str]) -> None:
    heard = json.loads(curl.run("--http1.0", f"http://{javascript[1]}/old"))
    assert heard["target"] == "/old"
