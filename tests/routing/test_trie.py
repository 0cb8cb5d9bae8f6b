"""How routes become a trie, and that numbers shared with C sources are the same there."""
import re
from pathlib import Path

from gateway.routing import pattern, plan, trie

GATEWAY = Path(trie.__file__).parents[1]


def numbers(source: str) -> dict[str, int]:
    """Every `NAME = number` of a .pxd file."""
    text = (GATEWAY / source).read_text()
    return {name: int(value) for name, value in re.findall(r"^    ([A-Z_]+) = (-?\d+)", text, re.MULTILINE)}


def test_method_bits_are_those_of_the_parser():
    ours = trie.METHOD_BITS | {"OTHER_METHOD": trie.OTHER_METHOD}
    for source in ("routing/router.pxd", "dataplane/http1.pxd"):
        theirs = numbers(source)
        assert {name: theirs[name] for name in ours} == ours, source


def test_bounds_in_c_are_those_of_the_patterns():
    found = numbers("routing/segments.pxd")
    assert found["MAX_SEGMENTS"] == pattern.MAX_SEGMENTS
    assert found["MAX_LITERAL"] == pattern.MAX_LITERAL
    assert found["TOO_LONG"] == pattern.MAX_LITERAL + 1
    assert f"Capture at[{pattern.MAX_CAPTURES + 1}]" in (GATEWAY / "routing/router.pxd").read_text()
    assert f"MAX_HOST = {pattern.MAX_HOST} " in (GATEWAY / "routing/hosts.pxd").read_text()


def test_routes_with_a_common_beginning_share_their_nodes():
    tree = trie.build([plan.Match("/x/{p}"), plan.Match("/x/{q}/**")], [0, 1])
    assert len(tree.nodes) == 3
    assert (tree.nodes[2].exact, tree.nodes[2].rest) == ([0], [1])


def test_every_host_has_a_root_of_its_own():
    tree = trie.build([plan.Match(hosts=("a.test", "*.a.test", "A.test"))], [0])
    assert tree.hosts.keys() == tree.suffixes.keys() == {"a.test"}
    assert [node.rest for node in tree.nodes] == [[], [0], [0]]


def test_routes_of_one_place_stand_in_the_order_in_which_they_are_tried():
    matches = {"b": plan.Match(), "a": plan.Match(), "methods": plan.Match(methods=("PUT",)),
               "header": plan.Match(headers=(("x", "1"),))}
    routes = [plan.Route(name, match) for name, match in matches.items()]
    assert [routes[index].name for index in trie.by_preference(routes)] == ["methods", "header", "a", "b"]


def test_methods_become_bits_and_names():
    assert trie.method_mask(plan.Match(methods=("GET", "PUT"))) == (1 | 2 | 8, [])
    assert trie.method_mask(plan.Match(methods=("PURGE", "POST"))) == (4 | 128, ["PURGE"])
    assert trie.method_mask(plan.Match()) == (255, [])
