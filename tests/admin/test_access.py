"""The admin address answers programs of this machine, not pages that a browser on it has open."""
import pytest

from gateway.admin.access import refusal

OURS = ["127.0.0.1", "127.0.0.1:9900", "localhost:1234", "[::1]:9900", "LOCALHOST", "127.8.8.8"]
FOREIGN = [None, "", "evil.example", "127.0.0.1.evil.example:9900", "10.0.0.1", "localhost.evil", "[::1", "a@b"]
PAGES = ["null", "", "https://evil.example", "http://127.0.0.1.evil.example", "file://", "http://[::1"]


@pytest.mark.parametrize("host", OURS)
def test_names_of_the_loopback_are_let_in(host: str) -> None:
    assert refusal(host, None) is None
    assert refusal(host, f"http://{host}") is None


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_name_is_refused(host: str | None) -> None:
    assert refusal(host, None)


@pytest.mark.parametrize("origin", PAGES)
def test_a_foreign_origin_is_refused(origin: str) -> None:
    assert refusal("127.0.0.1:9900", origin)
