"""A setting put into a text: what it says, and what stays as it was."""
import pytest
import yaml

from gateway.config import edits
from gateway.config.edits import NotEditable

BLOCK = """\
upstreams:
  # the shop's
  orders:
    endpoints: [a:1]    # two more in June
    timeouts: {first_byte: 10s, idle: 60s}
routes:
  - name: list          # first
    upstream: orders
  - {name: rest, upstream: orders}
"""


@pytest.mark.parametrize(("location", "value", "line"), [
    (("upstreams", "orders", "timeouts", "first_byte"), "250ms", "    timeouts: {first_byte: 250ms, idle: 60s}"),
    (("upstreams", "orders", "timeouts", "connect"), "1s", "    timeouts: {connect: 1s, first_byte: 10s, idle: 60s}"),
    (("upstreams", "orders", "eject"), {"for": "30s"}, "    eject: {for: 30s}"),
    (("routes", 0, "fallback"), [{"stale": {"for": "5m"}}], "  - fallback: [{stale: {for: 5m}}]"),
    (("upstreams", "orders", "endpoints", 0), "b", "    endpoints: [b, a:1]    # two more in June"),
    (("routes", 0), {"name": "x"}, "  - {name: x}"),
    (("routes", 1, "priority"), "low", "  - {priority: low, name: rest, upstream: orders}"),
    (("routes", 1, "name"), "the rest", '  - {name: "the rest", upstream: orders}'),
])
def test_one_line_changes_and_the_rest_stays(location: tuple[int | str, ...], value: object, line: str) -> None:
    text = edits.put(BLOCK, location, value)
    assert line in text.splitlines()
    found = yaml.safe_load(text)
    for part in location:
        found = found[part]                # a new item is the first
    assert found == value
    for comment in ("# the shop's", "# two more in June", "# first"):
        assert comment in text
    assert len(text.splitlines()) - len(BLOCK.splitlines()) in (0, 1)


def test_a_config_of_several_files_is_changed_in_the_one_that_says_it() -> None:
    both = ("# file: a.yaml\nversion: 1\nupstreams: {one: {endpoints: [a:1]}}\n\n"
            "# file: b.yaml\nroutes:\n  - name: x\n\n")
    text = edits.put(both, ("routes", 0, "priority"), "low")
    assert text.startswith("# file: a.yaml\nversion: 1\n")
    assert "  - priority: low\n    name: x\n" in text.partition("# file: b.yaml\n")[2]


@pytest.mark.parametrize("location", [("upstreams", "orders", "endpoints"), ("upstreams", "users", "eject"),
                                      ("nothing", "at", "all")])
def test_what_cannot_be_changed_in_one_line_is_refused(location: tuple[str, ...]) -> None:
    with pytest.raises(NotEditable):
        edits.put(BLOCK, location, "x")
