"""Listeners: Unix sockets, IPv6, PROXY protocol, the limit of connections, the health path."""
import ipaddress
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import certificates
import pytest
from wire import gateways
from wire.peers import addresses
from wire.peers.child import until
from wire.peers.raw_client import RawClient, ask, request
from wire.peers.scripted_upstream import ReadBody, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire
OK = Send(answer(200, b"ok"))
TRUSTED = {"trusted_proxies": ["127.0.0.1/32"]}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_header(client: str = "203.0.113.7", *, local: bool = False) -> bytes:
    """PROXY v2 from `client`; LOCAL is what balancers send with their own health checks."""
    if local:
        return SIGNATURE + b"\x20\x00\x00\x00"
    address = ipaddress.ip_address(client)
    kind, server = (b"\x11", "127.0.0.1") if address.version == 4 else (b"\x21", "::1")
    ends = address.packed + ipaddress.ip_address(server).packed + b"\xc3\x50\x00\x50"
    return SIGNATURE + b"\x21" + kind + len(ends).to_bytes(2, "big") + ends


def test_unix_sockets_on_both_sides(tmp_path: Path) -> None:
    listener = {"address": f"unix:{tmp_path}/gate.sock"}
    with upstream(f"unix:{tmp_path}/api.sock") as api:
        api.on("/unix", ReadBody(), OK)
        with gateways.running(gateways.before(api.address, listener=listener)) as gateway:
            for _ in range(3):
                assert ask(gateway.address, "/unix", method="POST", body=b"abc").body == b"ok"
    assert {seen.connection.number for seen in api.requests} == {0}
    assert all(seen["host"] == "gate" for seen in api.requests)


def test_ipv6_on_both_sides() -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    listener = {"address": addresses.free_address("::1")}
    with upstream("[::1]:0") as api, gateways.running(gateways.before(api.address, listener=listener)) as gateway:
        api.on("/six", OK)
        assert ask(gateway.address, "/six", host="[::1]:80").body == b"ok"
    seen = api.saw("/six")
    assert (seen["host"], seen["x-forwarded-for"]) == ("[::1]:80", "::1")
    assert 'for="[::1' in seen["forwarded"]


def _has_ipv6() -> bool:
    try:
        addresses.free_port("::1")
    except OSError:
        return False
    return True


def test_two_listeners_serve_the_same_routes() -> None:
    with upstream() as api:
        api.on("/both", OK)
        config = gateways.before(api.address)
        second = addresses.free_address()
        config["listeners"].append({"address": second})
        with gateways.running(config) as gateway:
            assert [ask(address, "/both").status for address in (gateway.address, second)] == [200, 200]


@pytest.fixture(scope="module")
def behind_balancer() -> Iterator[tuple[ScriptedUpstream, str]]:
    listener = {"proxy_protocol": True, "timeouts": {"head": "1s"}}
    with upstream() as api:
        config = gateways.before(api.address, listener=listener, clients=TRUSTED)
        with gateways.running(config) as gateway:
            yield api, gateway.address


Scene = tuple[ScriptedUpstream, str]


@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::7"])
def test_proxy_header_names_the_client(behind_balancer: Scene, client: str) -> None:
    api, address = behind_balancer
    target = f"/named/{client}"
    api.on(target, OK)
    with RawClient(address) as balancer:
        balancer.sends(proxy_header(client) + request(target))
        assert balancer.reads_answer().body == b"ok"
    assert api.saw(target)["x-forwarded-for"] == client


def test_claims_of_the_client_behind_a_proxy_header_are_not_believed(behind_balancer: Scene) -> None:
    api, address = behind_balancer
    api.on("/claims", OK)
    with RawClient(address) as balancer:
        balancer.sends(proxy_header("203.0.113.7") + request("/claims", "X-Forwarded-For: 6.6.6.6"))
        assert balancer.reads_answer().body == b"ok"
    assert api.saw("/claims")["x-forwarded-for"] == "203.0.113.7"


def test_proxy_header_in_pieces_is_understood(behind_balancer: Scene) -> None:
    api, address = behind_balancer
    api.on("/pieces", OK)
    with RawClient(address) as balancer:
        for byte in proxy_header() + request("/pieces"):
            balancer.sends(bytes([byte]))
        assert balancer.reads_answer().body == b"ok"


def test_balancers_own_check_is_served(behind_balancer: Scene) -> None:
    api, address = behind_balancer
    api.on("/local", OK)
    with RawClient(address) as balancer:
        balancer.sends(proxy_header(local=True) + request("/local"))
        assert balancer.reads_answer().body == b"ok"


@pytest.mark.parametrize(
    "sent", [request("/none"), SIGNATURE + b"\x31\x11\x00\x0c", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"]
)
def test_connection_without_a_valid_proxy_header_is_closed(behind_balancer: Scene, sent: bytes) -> None:
    api, address = behind_balancer
    before = len(api.requests)
    with RawClient(address) as client:
        client.sends(sent)
        assert client.reads_to_the_end() == b""
    assert len(api.requests) == before


def test_proxy_header_that_never_comes_is_cut(behind_balancer: Scene) -> None:
    with RawClient(behind_balancer[1], timeout=4) as client:
        client.sends(SIGNATURE[:5])
        assert client.reads_to_the_end() == b""


def test_proxy_header_of_an_untrusted_peer_is_refused() -> None:
    untrusted = {"trusted_proxies": ["10.0.0.0/8"]}
    with upstream() as api:
        config = gateways.before(api.address, listener={"proxy_protocol": True}, clients=untrusted)
        with gateways.running(config) as gateway, RawClient(gateway.address) as client:
            client.sends(proxy_header() + request("/untrusted"))
            assert b" 200 " not in client.reads_to_the_end()
    assert api.requests == []


def test_proxy_header_comes_before_tls(tmp_path: Path) -> None:
    made = certificates.pair(tmp_path, "gate.example")
    tls = {"certificate": made.certificate, "key": made.key}
    with upstream() as api:
        api.on("/both", OK)
        config = gateways.before(api.address, listener={"proxy_protocol": True, "tls": tls}, clients=TRUSTED)
        with gateways.running(config) as gateway, RawClient(gateway.address) as balancer:
            balancer.sends(proxy_header("203.0.113.9"))
            balancer.wrap(ssl.create_default_context(cafile=made.certificate), "gate.example")
            balancer.sends(request("/both"))
            assert balancer.reads_answer().body == b"ok"
    seen = api.saw("/both")
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("203.0.113.9", "https")


def test_connections_above_the_limit_are_told_503_and_closed() -> None:
    with upstream() as api:
        api.on("/limited", OK)
        with gateways.running(gateways.before(api.address, max_connections=3)) as gateway:
            served = [RawClient(gateway.address) for _ in range(3)]
            for client in served:
                client.sends(request("/limited"))
                assert client.reads_answer().status == 200
            with RawClient(gateway.address) as late:
                late.sends(request("/limited"))
                said = late.reads_answer()
                assert (said.status, json.loads(said.body)["reason"]) == (503, "too_many_connections")
                assert late.reads_to_the_end() == b""
            served.pop().stream.close()
            until(lambda: ask(gateway.address, "/limited").status == 200, what="room for another")
            for client in served:
                client.sends(request("/limited"))
                assert client.reads_answer().status == 200
                client.stream.close()


def test_health_is_answered_by_the_worker_itself() -> None:
    with gateways.running(gateways.before(addresses.free_address(), listener={"health": "/alive"})) as gateway:
        assert ask(gateway.address, "/alive").status == 200
        assert ask(gateway.address, "/alive", method="HEAD").status == 200
        assert ask(gateway.address, "/other").status == 502
