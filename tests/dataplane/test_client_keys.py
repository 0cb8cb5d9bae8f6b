"""`clients.key`: what a client is known by beside its address."""
import base64
import ipaddress

import numpy as np
import pytest
from data_path import Gateway, answer, asked
from http_messages import HOST, message

from gateway import _recorder
from gateway.control import client_rules
from gateway.control.actuate import client_key
from gateway.control.client_rules import Rule
from gateway.record import flight


def token(payload: bytes) -> str:
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.c2lnbmF0dXJl"


def key_of(gateway: Gateway, *fields: str) -> tuple[int, str]:
    """As the flight record tells it: the client's key, and its address."""
    _, api = asked(gateway, message("GET / HTTP/1.1", HOST, *fields))
    api.says(answer(b"", "connection: close"))
    found, _, _ = _recorder.read(gateway.board.memory, gateway.board.ring(0).at, 0, 1000)
    record = np.frombuffer(found[-1], flight.RECORD)[0]
    return int(record["client_key"]), int(record["client_low"]) & 0xFFFF_FFFF


def test_a_client_is_known_by_a_header_and_without_it_by_its_address():
    gateway = Gateway(client_key="header:x-tenant")
    acme, address = key_of(gateway, "X-Tenant: acme")
    assert acme == client_key(gateway.board, "key:acme")
    assert key_of(gateway, "x-tenant: acme") == (acme, address)
    assert key_of(gateway, "x-tenant: other")[0] != acme
    assert key_of(gateway)[0] == key_of(gateway, "x-tenant: ")[0] == client_key(gateway.board, "192.0.2.7")


def test_no_value_of_a_header_is_taken_for_an_address():
    gateway = Gateway(client_key="header:x-tenant")
    address = ipaddress.IPv6Address(b"sixteen letters!")
    assert key_of(gateway, "x-tenant: sixteen letters!")[0] != client_key(gateway.board, str(address))


def test_a_client_is_known_by_a_cookie():
    gateway = Gateway(client_key="cookie:session")
    assert key_of(gateway, "cookie: a=b; session=s1")[0] == client_key(gateway.board, "key:s1")


@pytest.mark.parametrize(("payload", "expected"), [
    (b'{"sub": "ann"}', "key:ann"), (b'{"sub": 17}', "key:17"), ('{"sub": "\u00e4"}'.encode(), "key:\u00e4"),
    (b'{"sub": true}', "192.0.2.7"), (b'{"sub": ["ann"]}', "192.0.2.7"), (b'{"sub": ""}', "192.0.2.7"),
    (b'["sub"]', "192.0.2.7"), (b"{", "192.0.2.7"), (b"[" * 5000, "192.0.2.7"),
])
def test_a_client_is_known_by_a_claim_that_is_a_text_or_a_number(payload: bytes, expected: str):
    gateway = Gateway(client_key="jwt:sub")
    assert key_of(gateway, f"authorization: Bearer {token(payload)}")[0] == client_key(gateway.board, expected)


@pytest.mark.parametrize("written", ["Basic YWxhZGRpbjpvcGVuc2VzYW1l", "Bearer", "Bearer a.b", "Bearer a.!!!.c"])
def test_what_is_no_token_is_its_addresss(written: str):
    gateway = Gateway(client_key="jwt:sub")
    assert key_of(gateway, f"authorization: {written}")[0] == client_key(gateway.board, "192.0.2.7")


def test_a_named_client_is_isolated_by_its_key_and_by_its_address():
    gateway = Gateway(client_key="header:x-tenant")
    for name, refused in (("key:acme", True), ("key:other", False), ("192.0.2.7", True)):
        rule = {client_key(gateway.board, name): Rule(isolated_until=2**62)}
        client_rules.write(gateway.board, rule)
        client = gateway.client()
        client.says(message("GET / HTTP/1.1", HOST, "x-tenant: acme"))
        assert (b" 503 " in client.hears() or b" 403 " in client.hears()) == refused, name
