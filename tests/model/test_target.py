"""A target is read and written alike, and a client has one form."""
import pytest

from gateway.model import target
from gateway.model.target import Target


@pytest.mark.parametrize(("text", "found"), [
    ("route:list-orders", Target("route", "list-orders")),
    ("upstream:orders", Target("upstream", "orders")),
    ("endpoint:127.0.0.1:9001", Target("endpoint", "127.0.0.1:9001")),
    ("endpoint:orders/[::1]:9001", Target("endpoint", "orders/[::1]:9001")),
    ("client:2001:db8::7", Target("client", "2001:db8::7")),
])
def test_a_target_is_read_and_written_alike(text, found):
    assert target.parse(text) == found
    assert str(found) == text


@pytest.mark.parametrize("text", ["list-orders", "rout:x", "", ":", "Route:x"])
def test_what_is_no_target_is_answered_with_what_to_write(text):
    with pytest.raises(ValueError, match="write route:NAME, upstream:NAME"):
        target.parse(text)


@pytest.mark.parametrize("text", ["route:", "client: x", "client:a\nb", "route:" + "x" * 257, "route:\ud800"])
def test_a_name_is_printable_and_bounded(text):
    with pytest.raises(ValueError, match="needs a name"):
        target.parse(text)


@pytest.mark.parametrize(("text", "name"), [
    ("client:::ffff:192.0.2.7", "192.0.2.7"), ("client:[2001:DB8:0::7]", "2001:db8::7"),
    ("client:10.0.0.1", "10.0.0.1"),
])
def test_a_client_has_one_form(text, name):
    assert target.parse(text).name == name


@pytest.mark.parametrize("text", ["client:ann", "client:10.0.0.0/8", "client:10.0.0.1:80"])
def test_a_client_is_one_address(text):
    with pytest.raises(ValueError, match="write one IP address"):
        target.parse(text)


def test_an_ipv4_client_is_known_by_its_mapped_bytes():
    assert target.client_bytes("192.0.2.7") == bytes(10) + b"\xff\xff\xc0\x00\x02\x07"
    assert target.client_bytes("2001:db8::7") == bytes.fromhex("20010db8000000000000000000000007")
