"""What may be kept, for how long it is fresh, how long it may help out after that, and to whom it is shown."""

import pytest

from gateway.mitigate import stale
from gateway.model.safeguards import SECOND

NOW = 1_000 * SECOND
FOR = 300 * SECOND
MAX_AGE = {"cache-control": "max-age=60"}


def kept(answer: dict[str, str], request: dict[str, str] | None = None) -> stale.Stored:
    return stale.keep(request or {}, 200, answer, tuple(answer.items()), b"hello", NOW, FOR)


def refusal(answer: dict[str, str], request: dict[str, str] | None = None, status: int = 200, method="GET") -> str:
    return stale.refusal(method, request or {}, status, answer)


@pytest.mark.parametrize("answer", [
    MAX_AGE, {"cache-control": "s-maxage=60"}, {"cache-control": 'Public, MAX-AGE="60"'},
    {"date": "Mon, 01 Jan 2024 00:00:00 GMT", "expires": "Mon, 01 Jan 2024 00:01:00 GMT"},
])
def test_an_answer_with_a_lifetime_is_kept(answer):
    assert refusal(answer) == ""
    assert stale.lifetime(answer) == 60 * SECOND


@pytest.mark.parametrize(("answer", "why"), [
    ({}, "no lifetime given"), ({"cache-control": "max-age=0"}, "no lifetime given"),
    ({"cache-control": "max-age=-1"}, "no lifetime given"), ({"cache-control": "max-age=1e3"}, "no lifetime given"),
    ({"expires": "0", "date": "Mon, 01 Jan 2024 00:00:00 GMT"}, "no lifetime given"),
    ({"cache-control": "no-store, max-age=60"}, "the origin forbids it"),
    ({"cache-control": "private, max-age=60"}, "the origin forbids it"),
    ({"cache-control": 'private="x-a", max-age=60'}, "the origin forbids it"),
    ({"cache-control": "no-cache, max-age=60"}, "the origin forbids it"),
    (MAX_AGE | {"set-cookie": "a=b"}, "differs for each client"), (MAX_AGE | {"vary": "*"}, "differs for each client"),
])
def test_what_the_origin_does_not_allow_is_not_kept(answer, why):
    assert refusal(answer) == why


def test_only_whole_answers_to_get_are_kept():
    assert refusal(MAX_AGE, status=404) == ""
    for method, status, request in (("POST", 200, {}), ("HEAD", 200, {}), ("GET", 206, {}), ("GET", 500, {}),
                                    ("GET", 200, {"range": "bytes=0-1"})):
        assert refusal(MAX_AGE, request, status, method) == "not a whole answer to GET"


def test_what_one_user_got_is_shown_to_others_only_if_the_origin_says_so():
    mine = {"authorization": "Bearer x"}
    assert refusal(MAX_AGE, mine) == "meant for one user"
    assert refusal({"cache-control": "public, max-age=60"}, mine) == ""


def test_it_is_fresh_then_stale_then_too_old():
    stored = kept(MAX_AGE)
    assert stale.stale_for(stored, NOW + 60 * SECOND) == 0
    assert stale.stale_for(stored, NOW + 61 * SECOND) == SECOND
    assert stale.may_serve(stored, {}, NOW + 360 * SECOND)
    assert not stale.may_serve(stored, {}, NOW + 361 * SECOND)


def test_the_age_it_came_with_counts():
    stored = kept(MAX_AGE | {"age": "50"})
    assert stale.age(stored, NOW + 15 * SECOND) == 65
    assert stale.stale_for(stored, NOW + 15 * SECOND) == 5 * SECOND
    assert stale.served(stored, NOW + 15 * SECOND) == (
        ("cache-control", "max-age=60"), ("age", "65"), ("x-fallback", "stale"))


@pytest.mark.parametrize(("control", "seconds"), [
    ("max-age=60", 300), ("max-age=60, stale-if-error=20", 20), ("max-age=60, stale-if-error=9999", 300),
    ("max-age=60, must-revalidate", 0), ("max-age=60, proxy-revalidate, stale-if-error=20", 0),
    ("s-maxage=60", 0), ("s-maxage=60, stale-if-error=20", 20), ("max-age=60, stale-if-error=x", 0),
])
def test_the_origin_may_shorten_the_help_and_the_config_bounds_it(control, seconds):
    assert stale.grace({"cache-control": control}, FOR) == seconds * SECOND


def test_it_is_shown_only_to_requests_like_the_one_it_answered():
    stored = kept(MAX_AGE | {"vary": "Accept-Language, Accept"}, {"accept": "a", "accept-language": "de"})
    assert stale.may_serve(stored, {"accept": "a", "accept-language": "de", "x": "y"}, NOW)
    assert not stale.may_serve(stored, {"accept": "a", "accept-language": "fr"}, NOW)
    assert not stale.may_serve(stored, {"accept": "a"}, NOW)


@pytest.mark.parametrize("field", [("cache-control", "no-cache"), ("cache-control", "no-store"), ("range", "bytes=1-")])
def test_a_client_that_wants_no_kept_answer_gets_none(field):
    assert not stale.may_serve(kept(MAX_AGE), dict([field]), NOW)


def test_the_key_is_where_it_came_from():
    assert stale.key("https", "API.example.com", "/a?b=1&c") == "https://api.example.com/a?b=1&c"
