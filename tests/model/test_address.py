"""Addresses: one canonical text for each, and advice for what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import address


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]:80", "[::1]:80"),
        ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
        ("API.Example.com:443", "api.example.com:443"),
        ("my_service:1", "my_service:1"),
        ("unix:/run/x.sock", "unix:/run/x.sock"),
    ],
)
def test_an_address_has_one_canonical_text(text: str, canonical: str) -> None:
    assert str(address.parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        ":8080",
        "localhost",
        "::1:80",
        "[::1]",
        "host:",
        "host:http",
        "host:70000",
        "host:-1",
        "host:٣",
        "1.2.3:80",
        "999.1.1.1:80",
        "a..b:80",
        "-a:80",
        "a b:80",
        "a/b:80",
        "unix:",
        "unix:" + "x" * 108,
        "unix:a\0b",
        "[127.0.0.1]:80",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        address.parse(text)


@given(st.text())
def test_any_text_parses_to_a_stable_address_or_is_refused(text: str) -> None:
    try:
        parsed = address.parse(text)
    except ValueError:
        return
    assert address.parse(str(parsed)) == parsed


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_ip_address_and_port_parses(ip: object, port: int) -> None:
    text = f"[{ip}]:{port}" if ":" in str(ip) else f"{ip}:{port}"
    assert address.parse(text) == address.Address(str(ip), port)


def test_names_and_loopback_are_told_apart() -> None:
    assert address.parse("api:80").is_name
    assert not address.parse("10.0.0.1:80").is_name
    assert not address.parse("unix:/x").is_name
    assert [
        text
        for text in ("127.0.0.9:1", "[::1]:1", "localhost:1", "unix:/x", "0.0.0.0:1", "api:1")
        if address.parse(text).is_loopback
    ] == ["127.0.0.9:1", "[::1]:1", "localhost:1", "unix:/x"]


def test_a_listener_needs_an_ip_address() -> None:
    assert address.listen("localhost:0") == "localhost:0"
    with pytest.raises(ValueError, match=r"write the IP address to listen on, such as 0\.0\.0\.0:80"):
        address.listen("api.example.com:80")


def test_an_endpoint_is_no_url_and_has_a_port() -> None:
    with pytest.raises(ValueError, match="is a URL"):
        address.endpoint("http://127.0.0.1:80")
    with pytest.raises(ValueError, match="port 0"):
        address.endpoint("127.0.0.1:0")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("API.example.com", "api.example.com"),
        ("*.Example.com", "*.example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
def test_host_patterns(text: str, pattern: str) -> None:
    assert address.host_pattern(text) == pattern


@pytest.mark.parametrize(
    "text", ["*", "a.*.b", "*.", "*.*.a", "api.example.com:80", "[::1]:80", "::1", "bücher.example", ""]
)
def test_what_is_no_host_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        address.host_pattern(text)


def test_the_host_to_send_may_have_a_port() -> None:
    assert [address.host_header(text) for text in ("keep", "Api.Internal", "api:8080", "[::1]:80", "10.0.0.1")] == [
        "keep",
        "api.internal",
        "api:8080",
        "[::1]:80",
        "10.0.0.1",
    ]
    for text in ("a b", "unix:/x", "a\r\nb", ""):
        with pytest.raises(ValueError, match="write"):
            address.host_header(text)


def test_networks() -> None:
    assert address.network("10.0.0.0/8") == "10.0.0.0/8"
    assert address.network("192.0.2.7") == "192.0.2.7/32"
    assert address.network("unix:") == "unix:"
    with pytest.raises(ValueError, match="has host bits set; write a network"):
        address.network("10.0.0.1/8")
