"""A config can put nothing into a message that breaks its lines, its framing or what the gateway itself decides."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import http


@given(st.text())
def test_an_accepted_value_is_one_line_of_a_message(text: str) -> None:
    try:
        http.field_value(text)
    except ValueError:
        return
    assert re.fullmatch(r"[\t\x20-\x7e]*", text)
    assert text == text.strip()


@given(st.text(min_size=1))
def test_an_accepted_name_is_a_token(text: str) -> None:
    try:
        http.token(text)
    except ValueError:
        return
    assert text.isascii()
    assert not set(text) & set('()<>@,;:\\"/[]?={} \t\r\n')


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "CONNECTION", "keep-alive", "te", "trailer", "upgrade"]
)
def test_framing_fields_are_never_edited(name: str) -> None:
    for check in (http.request_field, http.response_field, http.answer_field):
        with pytest.raises(ValueError, match="written by the gateway itself"):
            check(name)


def test_fields_that_say_where_a_request_came_from_are_not_edited() -> None:
    for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Request-Id", "traceparent"):
        with pytest.raises(ValueError, match="written by the gateway itself"):
            http.request_field(name)
    assert http.response_field("x-request-id") == "x-request-id"


def test_host_is_set_on_the_upstream() -> None:
    with pytest.raises(ValueError, match="write host: NAME on the upstream"):
        http.request_field("HOST")


def test_methods_are_told_apart_by_case() -> None:
    assert http.method("PROPFIND") == "PROPFIND"
    with pytest.raises(ValueError, match="did you mean GET"):
        http.method("get")
    with pytest.raises(ValueError, match="always refuses CONNECT"):
        http.method("connect")
    with pytest.raises(ValueError, match="is not a method"):
        http.method("GET /")


@pytest.mark.parametrize("text", ["orders", "", "/a b", "/ü", "/a\r\nX: y", "/" + "a" * 3000])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        http.path(text)


def test_a_health_path_stands_for_itself() -> None:
    assert http.plain_path("/healthz") == "/healthz"
    for text in ("/health/**", "/{x}", "/a?b"):
        with pytest.raises(ValueError, match="one exact path"):
            http.plain_path(text)


def test_a_redirect_leads_to_a_path_or_a_web_address() -> None:
    assert http.target("https://example.com/**") == "https://example.com/**"
    for text in ("javascript:alert(1)", "example.com", "ftp://x", ""):
        with pytest.raises(ValueError, match="is not a place to redirect to"):
            http.target(text)
