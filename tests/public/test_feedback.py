"""What anybody may say, and who is counted once."""
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.report import Report
from gateway.model.signal import SignalKind
from gateway.public import feedback
from gateway.public.feedback import Said

KEY = b"k" * 16


def read(**said: object) -> Said:
    return feedback.read(json.dumps(said).encode())


def test_a_page_is_named_by_its_path_or_its_address():
    assert read(url="/orders/17?x=1") == Said("", "/orders/17", "GET", "")
    assert read(url="https://API.example.com:8443/a", method="POST") == Said("api.example.com", "/a", "POST", "")


def test_words_become_one_short_line():
    assert read(url="/", words=" it\r\nis\x1b[31m  wrong ").words == "it is[31m wrong"
    assert len(read(url="/", words="x" * 3000).words) == feedback.WORDS_MAX


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"[" * 4000, b'{"url": 1}', b'{"words": "x"}', b'{"url": "orders"}', b'{"url": "/a b\xc3\xa4"}',
    b'{"url": "/", "more": "x"}', b'{"url": "/", "method": "BREW"}', b'{"url": "/", "words": null}', b"\xff",
    b'{"url": "http://[::1/x"}',
])
def test_anything_else_is_refused_with_what_to_write(body):
    with pytest.raises(ValueError, match=r"must be|must have|Invalid"):
        feedback.read(body)


@given(st.one_of(st.binary(max_size=300), st.dictionaries(st.sampled_from(["url", "words", "method", "x"]),
                                                           st.one_of(st.text(max_size=40), st.integers())).map(
    lambda said: json.dumps(said).encode())))
def test_whatever_is_sent_is_a_page_or_a_mistake(body: bytes):
    try:
        said = feedback.read(body)
    except ValueError:
        return
    assert said.path.startswith("/")
    assert said.words.isprintable()
    assert len(said.words) <= feedback.WORDS_MAX


def test_a_client_is_known_by_a_hash_that_needs_the_key():
    assert feedback.person("192.0.2.7", KEY) == feedback.person("192.0.2.7", KEY)
    assert feedback.person("192.0.2.7", KEY) != feedback.person("192.0.2.8", KEY)
    assert feedback.person("192.0.2.7", KEY) != feedback.person("192.0.2.7", b"other")
    assert "192" not in feedback.person("192.0.2.7", KEY)


def test_a_network_of_ipv6_is_one_person():
    assert feedback.person("2001:db8::1", KEY) == feedback.person("2001:db8::2:3", KEY)
    assert feedback.person("2001:db8::1", KEY) != feedback.person("2001:db8:0:1::1", KEY)


def report(who: str, target: str = "route:a", kind: SignalKind = SignalKind.COMMUNITY_REPORT) -> Report:
    return Report(kind, target, 1, who)


def test_one_counts_once_for_a_route():
    assert feedback.is_new(report("x"), [report("y"), report("x", "route:b")])
    assert not feedback.is_new(report("x"), [report("x")])


def test_more_than_is_kept_changes_nothing_and_operators_do_not_count():
    many = [report(str(each)) for each in range(feedback.MOST)]
    assert not feedback.is_new(report("x"), many)
    assert feedback.is_new(report("x"), [report(each.who, kind=SignalKind.LOG_REVIEW) for each in many])
