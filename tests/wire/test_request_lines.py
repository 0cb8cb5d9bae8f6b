"""HTTP/1.0 clients, the forms of a target, and the methods that a gateway refuses."""
import re
from collections.abc import Iterator

import pytest
from wire import gateways
from wire.peers.raw_client import RawClient, ask, exchange
from wire.peers.scripted_upstream import Close, ReadBody, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
Scene = tuple[ScriptedUpstream, str]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with upstream() as api, gateways.running(gateways.before(api.address)) as gateway:
        yield api, gateway.address


def test_old_client_gets_a_chunked_answer_as_plain_bytes_until_close(scene: Scene) -> None:
    api, address = scene
    api.on("/dechunked", Send(CHUNKED))
    raw = exchange(address, b"GET /dechunked HTTP/1.0\r\n\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert body == b"hello world"
    assert b"transfer-encoding" not in head.lower()


def test_old_client_without_host_is_served_and_the_upstream_gets_a_host(scene: Scene) -> None:
    api, address = scene
    api.on("/no-host", Send(answer(200, b"ok")))
    assert exchange(address, b"GET /no-host HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nok")
    assert len(api.saw("/no-host").all("host")) == 1
    assert api.saw("/no-host").request_line == "GET /no-host HTTP/1.1"


def test_old_client_may_ask_to_keep_the_connection(scene: Scene) -> None:
    api, address = scene
    api.on("/kept", Send(answer(200, b"kept")))
    with RawClient(address) as client:
        for _ in range(3):
            client.sends(b"GET /kept HTTP/1.0\r\nHost: gate\r\nConnection: keep-alive\r\n\r\n")
            said = client.reads_until(b"\r\n\r\nkept")
            assert re.search(rb"\r\nconnection: keep-alive\r\n", said, re.IGNORECASE)


def test_kept_connection_of_an_old_client_ends_with_an_answer_of_unknown_length(scene: Scene) -> None:
    api, address = scene
    api.on("/unknown", Send(CHUNKED))
    raw = exchange(address, b"GET /unknown HTTP/1.0\r\nHost: gate\r\nConnection: keep-alive\r\n\r\n")
    assert raw.endswith(b"\r\n\r\nhello world")
    assert b"keep-alive" not in raw.lower()


def test_old_client_posts_a_body_with_its_length(scene: Scene) -> None:
    api, address = scene
    api.on("/old-post", ReadBody(), Send(answer(200, b"ok")))
    raw = exchange(address, b"POST /old-post HTTP/1.0\r\nHost: gate\r\nContent-Length: 3\r\n\r\nabc")
    assert raw.endswith(b"ok")
    assert api.saw("/old-post").data == b"abc"


def test_answer_cut_short_is_reset_for_an_old_client(scene: Scene) -> None:
    api, address = scene
    api.on("/old-cut", Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"), Close())
    with RawClient(address) as client:
        client.sends(b"GET /old-cut HTTP/1.0\r\nHost: gate\r\n\r\n")
        client.reads_to_the_end()
    assert client.ended == "reset"


def test_absolute_form_is_sent_on_as_origin_form(scene: Scene) -> None:
    api, address = scene
    api.on("/abs?q=1", Send(answer(200, b"ok")))
    said = ask(address, "http://api.example.com:8080/abs?q=1", host="api.example.com:8080")
    assert said.status == 200
    assert api.saw("/abs?q=1")["host"] == "api.example.com:8080"


def test_absolute_form_without_a_path_means_the_root(scene: Scene) -> None:
    api, address = scene
    api.on("/", Send(answer(200, b"root")))
    assert ask(address, "http://api.example.com", host="api.example.com").body == b"root"


def test_absolute_form_that_differs_from_host_is_refused(scene: Scene) -> None:
    api, address = scene
    assert ask(address, "http://one.example.com/differs", host="two.example.com").status == 400
    assert api.seen("/differs") == []


def test_asterisk_is_for_options_only(scene: Scene) -> None:
    api, address = scene
    api.on("*", Send(answer(200, b"any")))
    assert ask(address, "*", method="GET").status == 400
    assert len(api.seen("*")) == 0


@pytest.mark.parametrize(
    ("method", "target"), [("CONNECT", "gate:443"), ("CONNECT", "/path"), ("TRACE", "/trace"), ("TRACE", "*")]
)
def test_connect_and_trace_are_refused(scene: Scene, method: str, target: str) -> None:
    api, address = scene
    before = len(api.requests)
    raw = exchange(address, f"{method} {target} HTTP/1.1\r\nHost: gate\r\n\r\n".encode())
    assert int(raw.split(b" ")[1]) in {400, 405, 501}
    assert len(api.requests) == before


def test_unknown_methods_are_passed_on(scene: Scene) -> None:
    api, address = scene
    api.on("/report", ReadBody(), Send(answer(207, b"many")))
    assert ask(address, "/report", method="REPORT", body=b"<x/>").status == 207
    assert api.saw("/report").request_line == "REPORT /report HTTP/1.1"


@pytest.mark.parametrize("target", ["/a%20b", "/a%2Fb?x=%00", "/a/..b/.c", "/a//b", "/?", "/;p=1,2'()!*~"])
def test_target_reaches_the_upstream_as_written(scene: Scene, target: str) -> None:
    api, address = scene
    api.on(target, Send(answer(200, b"ok")))
    assert ask(address, target).body == b"ok"
    assert api.saw(target).target == target


@pytest.mark.parametrize("target", ["/a/../b", "/a/./b", "/..", "/a/%2e%2E/b", "/a%00b", "/a%zzb", "/a#b"])
def test_target_that_two_servers_may_read_differently_is_refused(scene: Scene, target: str) -> None:
    api, address = scene
    assert ask(address, target).status == 400
    assert api.seen(target) == []
