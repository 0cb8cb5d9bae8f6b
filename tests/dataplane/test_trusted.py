"""Whom X-Forwarded-For makes the client, hop by hop from the right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane import trusted
from gateway.dataplane.trusted import TrustedProxies

OURS = TrustedProxies(["10.0.0.0/8", "2001:db8::/32", "unix:"])


@pytest.mark.parametrize("peer", ["10.1.2.3", "2001:db8::7", "::ffff:10.1.2.3", "", "unix:/run/x.sock"])
def test_listed_peers_are_trusted(peer: str) -> None:
    assert OURS.trusts(peer)


@pytest.mark.parametrize("peer", ["11.0.0.1", "2001:db9::1", "garbage", "10.0.0.1.example.com"])
def test_other_peers_are_not(peer: str) -> None:
    assert not OURS.trusts(peer)


def test_a_unix_peer_is_trusted_only_if_listed() -> None:
    assert not TrustedProxies(["10.0.0.0/8"]).trusts("")


def test_no_list_trusts_nobody() -> None:
    assert not TrustedProxies([])
    assert not TrustedProxies([]).trusts("127.0.0.1")


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        TrustedProxies(["10.0.0.0/33"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("198.51.100.1", b"203.0.113.9", "198.51.100.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", b"1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", b"1.1.1.1,203.0.113.9 , 10.0.0.2,10.0.0.3", "203.0.113.9"),
        ("10.0.0.1", b"10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("10.0.0.1", b"203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", b"[2001:db9::1]:4711", "2001:db9::1"),
        ("10.0.0.1", b"[2001:db9::1]", "2001:db9::1"),
        ("10.0.0.1", b"2001:DB9::1", "2001:db9::1"),
        ("10.0.0.1", b"203.0.113.9, unknown", "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.9, _hidden, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", b"203.0.113.9,", "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.9:99999", "10.0.0.1"),
        ("10.0.0.1", b"[203.0.113.9", "10.0.0.1"),
        ("10.0.0.1", b"\xff\xfe", "10.0.0.1"),
        ("", b"203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_ours(peer: str, forwarded_for: bytes, client: str) -> None:
    assert OURS.client_of(peer, forwarded_for) == client


def test_a_list_without_end_is_not_walked_without_end() -> None:
    forwarded_for = b",".join([b"203.0.113.9", *[b"10.0.0.2"] * 10_000])
    assert OURS.client_of("10.0.0.1", forwarded_for) == "10.0.0.2"


@given(st.binary(max_size=60))
def test_whatever_was_sent_the_client_is_an_address_and_never_raises(forwarded_for: bytes) -> None:
    assert trusted.parse_address(OURS.client_of("10.0.0.1", forwarded_for)) is not None


@given(st.lists(st.ip_addresses().map(str), max_size=6), st.ip_addresses().map(str))
def test_what_the_client_writes_never_changes_who_it_is(forged: list[str], client: str) -> None:
    vouched = ", ".join([*forged, client]).encode()
    if not OURS.trusts(client):
        assert trusted.parse_address(OURS.client_of("10.0.0.1", vouched)) == trusted.parse_address(client)


def test_the_cache_of_answers_is_bounded() -> None:
    ours = TrustedProxies(["10.0.0.0/8"])
    for i in range(2 * trusted.CACHE_SIZE):
        ours.trusts(f"11.0.{i // 256 % 256}.{i % 256}")
    assert len(ours._answers) <= trusted.CACHE_SIZE
