"""TLS on a listener and to an upstream, with certificates made on the spot."""
import contextlib
import json
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import certificates
import pytest
import websockets.sync.client
from cryptography import x509
from wire import gateways
from wire.peers import python_server
from wire.peers.child import until
from wire.peers.raw_client import Answer, RawClient, Truncated, ask, request
from wire.peers.scripted_upstream import Close, Cut, Read, ReadBody, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire


def pair(folder: Path, *names: str) -> dict[str, str]:
    """A certificate for these names as a listener's `tls:` wants it."""
    made = certificates.pair(folder, *names)
    return {"certificate": made.certificate, "key": made.key}


def careless() -> ssl.SSLContext:
    """A client that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def names_shown(address: str, server_name: str) -> list[str]:
    """The DNS names of the certificate that a client of this server name gets."""
    with RawClient(address, tls=careless(), server_name=server_name) as client:
        assert isinstance(client.stream, ssl.SSLSocket)
        shown = x509.load_der_x509_certificate(client.stream.getpeercert(binary_form=True) or b"")
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def ask_tls(address: str, target: str, method: str = "GET", body: bytes = b"") -> Answer:
    with RawClient(address, tls=careless()) as client:
        client.sends(request(target, method=method, body=body))
        return client.reads_answer(method)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScriptedUpstream, gateways.Running, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    chains = [pair(folder, "first.example"), pair(folder, "second.example"), pair(folder, "*.wild.example")]
    listener = {"tls": chains, "timeouts": {"head": "1s"}}
    with upstream() as api, gateways.running(gateways.before(api.address, listener=listener)) as gateway:
        yield api, gateway, folder


Scene = tuple[ScriptedUpstream, gateways.Running, Path]


def test_requests_of_every_size_pass(scene: Scene) -> None:
    api, gateway, _ = scene
    body = bytes(range(256)) * 8000
    api.on("/large", ReadBody(), Send(answer(200, body[::-1])))
    assert ask_tls(gateway.address, "/large", "POST", body).body == body[::-1]
    seen = api.saw("/large")
    assert (seen.data, seen["x-forwarded-proto"]) == (body, "https")


def test_pipelined_requests_pass(scene: Scene) -> None:
    api, gateway, _ = scene
    api.on("/pipe", Send(answer(200, b"x" * 5000)))
    with RawClient(gateway.address, tls=careless()) as client:
        client.sends(request("/pipe") * 20)
        assert [len(client.reads_answer().body) for _ in range(20)] == [5000] * 20


@pytest.mark.parametrize(
    ("server_name", "shown"),
    [
        ("first.example", "first.example"),
        ("second.example", "second.example"),
        ("SECOND.example", "second.example"),
        ("a.wild.example", "*.wild.example"),
        ("a.b.wild.example", "first.example"),
        ("unknown.example", "first.example"),
        ("", "first.example"),
    ],
)
def test_certificate_is_chosen_by_server_name(scene: Scene, server_name: str, shown: str) -> None:
    assert names_shown(scene[1].address, server_name) == [shown]


def test_tls_1_1_is_refused(scene: Scene) -> None:
    context = careless()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        RawClient(scene[1].address, tls=context)


def test_tls_1_2_is_served(scene: Scene) -> None:
    api, gateway, _ = scene
    api.on("/1.2", Send(answer(200, b"ok")))
    context = careless()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with RawClient(gateway.address, tls=context) as client:
        client.sends(request("/1.2"))
        assert client.reads_answer().body == b"ok"


def test_silent_handshake_is_cut_within_the_head_timeout(scene: Scene) -> None:
    with RawClient(scene[1].address, timeout=4) as client:
        assert client.reads_to_the_end() == b""


def test_half_a_handshake_is_cut_within_the_head_timeout(scene: Scene) -> None:
    with RawClient(scene[1].address, timeout=4) as client:
        client.sends(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        client.reads_to_the_end()
    assert client.ended in {"closed", "reset"}


def test_plain_http_to_a_tls_port_gets_no_service(scene: Scene) -> None:
    api, gateway, _ = scene
    with RawClient(gateway.address, timeout=4) as client:
        client.sends(request("/plain"))
        assert b" 200 " not in client.reads_to_the_end()
    assert api.seen("/plain") == []


def test_changed_files_are_picked_up_without_dropping_a_connection(scene: Scene, tmp_path: Path) -> None:
    api, gateway, folder = scene
    api.on("/before-and-after", Send(answer(200, b"ok")))
    with RawClient(gateway.address, tls=careless(), server_name="second.example") as client:
        client.sends(request("/before-and-after"))
        assert client.reads_answer().status == 200
        renewed = certificates.pair(tmp_path, "third.example")
        shutil.copy(renewed.certificate, folder / "second.example.crt")
        shutil.copy(renewed.key, folder / "second.example.key")
        until(lambda: names_shown(gateway.address, "third.example") == ["third.example"], what="the new certificate")
        client.sends(request("/before-and-after"))
        assert client.reads_answer().status == 200


def test_broken_files_leave_the_old_certificate_in_force(scene: Scene) -> None:
    _, gateway, folder = scene
    (folder / "any.wild.example.crt").write_text("not a certificate")
    until(lambda: "any.wild.example.crt" in gateway.process.log.read_text(), what="the log line about the broken file")
    assert names_shown(gateway.address, "a.wild.example") == ["*.wild.example"]


def test_client_that_breaks_off_in_tls_stops_the_upload(scene: Scene) -> None:
    api, gateway, _ = scene
    api.on("/breaks-off", ReadBody(), Send(answer(200, b"never")))
    with RawClient(gateway.address, tls=careless()) as client:
        client.sends(b"POST /breaks-off HTTP/1.1\r\nHost: gate\r\nContent-Length: 100\r\n\r\nabc")
        connection = api.saw("/breaks-off").connection
        client.stream.shutdown(socket.SHUT_RDWR)
    until(lambda: connection.ended, what="the abort at the upstream")


def test_websocket_messages_pass(tmp_path: Path) -> None:
    made = certificates.pair(tmp_path, "gate.example")
    context = ssl.create_default_context(cafile=made.certificate)
    listener = {"tls": {"certificate": made.certificate, "key": made.key}}
    with (
        python_server.running(tmp_path) as app,
        gateways.running(gateways.before(app, listener=listener)) as gateway,
        websockets.sync.client.connect(
            f"wss://{gateway.address}/talk", ssl=context, server_hostname="gate.example", max_size=None, proxy=None
        ) as client,
    ):
        for message in ("hello", "x" * 1_000_000):
            client.send(message)
            assert client.recv(timeout=10) == message.upper()


def test_refusal_is_read_in_full_though_the_client_goes_on_sending(scene: Scene) -> None:
    with RawClient(scene[1].address, tls=careless()) as client:
        client.sends_what_is_taken(b"GET /bad HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + b"behind " * 8000)
        assert client.reads_answer().status == 400
        assert client.reads_to_the_end() == b""
    assert client.ended == "closed"


def test_early_answer_is_read_in_full(scene: Scene) -> None:
    api, gateway, _ = scene
    api.on("/early", Read(1000), Send(answer(413, b"x" * 5000, connection="close")), Close())
    with RawClient(gateway.address, tls=careless()) as client:
        client.sends(request("/early", method="PUT", body=b"b" * 3000).replace(b": 3000", b": 1000000"))
        assert client.reads_answer("PUT").body == b"x" * 5000


def test_answer_cut_short_does_not_end_with_a_goodbye(scene: Scene) -> None:
    api, gateway, _ = scene
    api.on("/cut", Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n"), Close())
    for version in ("1.0", "1.1"):
        with RawClient(gateway.address, tls=careless()) as client:
            client.sends(f"GET /cut HTTP/{version}\r\nHost: gate\r\n\r\n".encode())
            assert b"0\r\n\r\n" not in client.reads_to_the_end()
        assert client.ended == "reset"


def test_whole_answer_to_an_old_client_ends_with_a_goodbye(scene: Scene) -> None:
    api, gateway, _ = scene
    api.on("/old", Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"))
    with RawClient(gateway.address, tls=careless()) as client:
        client.sends(b"GET /old HTTP/1.0\r\nHost: gate\r\n\r\n")
        assert client.reads_to_the_end().endswith(b"\r\n\r\nwhole")
    assert client.ended == "closed"


@contextlib.contextmanager
def before_tls(folder: Path, tls: dict[str, object], *shown: str) -> Iterator[tuple[ScriptedUpstream, str]]:
    """A gateway before a TLS upstream that shows a certificate for these names."""
    made = certificates.pair(folder, *shown, stem="upstream")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with (
        upstream(tls=context) as api,
        gateways.running(gateways.before(api.address, upstream={"tls": tls})) as gateway,
    ):
        yield api, gateway.address


def test_upstream_of_the_right_name_and_authority_is_trusted(tmp_path: Path) -> None:
    tls = {"ca": str(tmp_path / "upstream.crt"), "server_name": "inner.example"}
    with before_tls(tmp_path, tls, "inner.example") as (api, address):
        body = bytes(range(256)) * 4000
        api.on("/trusted", ReadBody(), Send(answer(200, body)))
        assert [ask(address, "/trusted", method="POST", body=body).body == body for _ in range(3)] == [True] * 3
        assert len(api.connections) == 1


@pytest.mark.parametrize(
    "tls",
    [{"ca": "upstream.crt", "server_name": "other.example"}, {"server_name": "inner.example"}, {"ca": "upstream.crt"}],
    ids=["wrong name", "unknown authority", "address instead of the name"],
)
def test_upstream_that_cannot_be_trusted_is_502(tmp_path: Path, tls: dict[str, object]) -> None:
    if "ca" in tls:
        tls = {**tls, "ca": str(tmp_path / "upstream.crt")}
    with before_tls(tmp_path, tls, "inner.example") as (api, address):
        said = ask(address, "/untrusted")
    assert (said.status, json.loads(said.body)["status"]) == (502, 502)
    assert api.requests == []


def test_answer_until_close_counts_as_whole_only_with_a_goodbye(tmp_path: Path) -> None:
    with before_tls(tmp_path, {"verify": False}, "inner.example") as (api, address):
        body = b"b" * 300_000
        api.on("/whole", Send(b"HTTP/1.1 200 OK\r\n\r\n" + body), Close())
        api.on("/cut", Send(b"HTTP/1.1 200 OK\r\n\r\n" + body), Cut())
        assert ask(address, "/whole").body == body
        with pytest.raises(Truncated):
            ask(address, "/cut")


def test_upstream_is_not_verified_when_told_so(tmp_path: Path) -> None:
    with before_tls(tmp_path, {"verify": False}, "inner.example") as (api, address):
        api.on("/any", Send(answer(200, b"ok")))
        assert ask(address, "/any").body == b"ok"


def test_upstream_that_speaks_no_tls_is_502(tmp_path: Path) -> None:
    with upstream() as api, gateways.running(gateways.before(api.address, upstream={"tls": {}})) as gateway:
        api.on("/plain", Send(answer(200, b"secret")))
        assert ask(gateway.address, "/plain").status in {502, 504}
    assert api.requests == []


def test_memory_of_a_slow_tls_client_is_bounded(tmp_path: Path) -> None:
    listener = {"tls": pair(tmp_path, "slow.example")}
    block = b"b" * (1 << 20)
    with upstream() as api, gateways.running(gateways.before(api.address, listener=listener)) as gateway:
        api.on("/warm", Send(answer(200, block)))
        api.on("/slow", Send(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"), *[Send(block)] * 64)
        ask_tls(gateway.address, "/warm")
        before = gateways.private_memory(gateway.worker)
        with RawClient(gateway.address, tls=careless(), receive_buffer=16384) as client:
            client.sends(request("/slow"))
            assert client.reads(4096)
            until(lambda: api.saw("/slow"), what="the request")
            peak = max(_samples(gateway.worker))
            client.stream.close()
    assert peak - before < 2 << 20


def _samples(worker: int) -> Iterator[int]:
    """The private memory of a worker over one second."""
    for _ in range(10):
        time.sleep(0.1)
        yield gateways.private_memory(worker)
