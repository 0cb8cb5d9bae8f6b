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


def test_names_that_the_config_gives_are_let_in_and_no_others() -> None:
    names = {"gateway.example.net", "10.0.0.7"}
    assert refusal("gateway.example.net:9900", "https://gateway.example.net", names) is None
    assert refusal("10.0.0.7:9900", None, names) is None
    assert refusal("example.net", None, names)
    assert refusal("gateway.example.net", "https://evil.example", names)


@pytest.mark.parametrize("origin", PAGES)
def test_a_foreign_origin_is_refused(origin: str) -> None:
    assert refusal("127.0.0.1:9900", origin)
