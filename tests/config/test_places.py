"""The line of a config where something is said."""
import pytest

from gateway.config.places import Places

ONE = """\
version: 1
upstreams:
  api: {endpoints: ["a:1"], breaker: {window: 5s}}
routes:
  - name: first
    match: {path: /a}
    upstream: api
    limits:
      - {name: all, key: route, rate: 1/s}
  - {name: second, upstream: api}
"""
TWO = """\
# file: upstreams.yaml
version: 1
upstreams:
  api: {endpoints: ["a:1"]}

# file: routes.yaml
version: 1
routes:
  - {name: first, upstream: api}
"""


def test_a_key_is_found_at_its_line() -> None:
    places = Places(ONE)
    assert str(places.of_route("first", "match")) == "config:6"
    assert str(places.of_route("first", "limits", "all")) == "config:9"
    assert str(places.of_upstream("api", "breaker")) == "config:3"


def test_what_was_not_written_is_found_at_what_stands_above_it() -> None:
    assert str(Places(ONE).of_route("second", "concurrency")) == "config:10"
    place = Places(ONE).of_route("first", "limits", "gone")
    assert place is not None
    assert place.text == "limits:"


def test_of_several_files_the_one_is_named() -> None:
    assert str(Places(TWO).of_route("first")) == "routes.yaml:3"
    assert str(Places(TWO).of_upstream("api")) == "upstreams.yaml:3"


@pytest.mark.parametrize("text", ["", "not a config", "routes: 7\n"])
def test_nothing_is_found_where_there_is_no_config(text: str) -> None:
    assert Places(text).of_route("first") is None
    assert Places(text).of_upstream("api") is None


def test_nothing_is_found_of_what_there_is_not() -> None:
    assert Places(ONE).of_route("third") is None
