"""A trie and the routes' further demands as flat rows of numbers, all texts in one bytes object.

This is the whole of what the compiled router knows; it only copies these rows into C arrays. A text is a pair
(offset, size) into `text`; a stretch of rows is a pair (first, count).

Routes of one place that ask for a header's exact value hang at a switch: an edge leads from it, by that value, to a
node with those routes. So a thousand routes told apart by a header need no more than one look-up either.
"""
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.routing import pattern, plan, trie

FIRST_SWITCH = 0x80000000           # as parents of edges, switches are numbered from here, far above any node

Pair = tuple[int, int]
Choice = tuple[Pair, Pair]          # a stretch of `listed`, a stretch of `switches`
Row = TypeVar("Row")

NOTHING: Pair = (0, 0)
NO_CHOICE: Choice = (NOTHING, NOTHING)


@dataclass(slots=True)
class Tables:
    """nodes: (param, has literals?, choice where a path ends, choice where `**` begins); edges: (parent, text, child);
    rules, one per route: (rank, method mask, `others`, `fields`, `params`, tail segment or -1), lowest rank first;
    listed: route indexes; switches: header names; others: method names; fields: (name, value, any value?);
    params: segment numbers. depth: segments of the longest pattern; longest_*: bytes."""

    text: bytearray = field(default_factory=bytearray)
    nodes: list[tuple[int, bool, Choice, Choice]] = field(default_factory=list)
    edges: list[tuple[int, Pair, int]] = field(default_factory=list)
    rules: list[tuple[int, int, Pair, Pair, Pair, int]] = field(default_factory=list)
    listed: list[int] = field(default_factory=list)
    switches: list[Pair] = field(default_factory=list)
    others: list[Pair] = field(default_factory=list)
    fields: list[tuple[Pair, Pair, bool]] = field(default_factory=list)
    params: list[int] = field(default_factory=list)
    depth: int = 0
    longest_literal: int = 0
    longest_value: int = 0

    def put(self, text: str) -> Pair:
        self.text += text.encode("latin-1")
        return len(self.text) - len(text), len(text)

    def add_trie(self, tree: trie.Trie, matches: Sequence[plan.Match]) -> None:
        """The nodes of the trie come first, under their own numbers; then those that switches lead to."""
        self.edges += [(parent, self.put(text), child) for parent, text, child in tree.edges()]
        self.nodes += [(0, False, NO_CHOICE, NO_CHOICE)] * len(tree.nodes)
        for number, node in enumerate(tree.nodes):
            exact, rest = self._choice(node.exact, matches), self._choice(node.rest, matches)
            self.nodes[number] = node.param, bool(node.literals), exact, rest

    def _choice(self, indexes: Iterable[int], matches: Sequence[plan.Match]) -> Choice:
        plain, switched = by_header({index: matches[index] for index in indexes})
        stretch = extend(self.switches, [self.put(name) for name in switched])
        for number, values in enumerate(switched.values(), FIRST_SWITCH + stretch[0]):
            for value, chosen in values.items():
                self.edges.append((number, self.put(value), len(self.nodes)))
                self.nodes.append((0, False, (extend(self.listed, chosen), NOTHING), NO_CHOICE))
                self.longest_value = max(self.longest_value, len(value))
        return extend(self.listed, plain), stretch

    def add_rule(self, match: plan.Match, rank: int) -> None:
        mask, others = trie.method_mask(match)
        path = pattern.compile_pattern(match.path)
        self.rules.append((
            rank,
            mask,
            extend(self.others, [self.put(name) for name in others]),
            extend(self.fields, [(self.put(name), self.put(value), value == "*") for name, value in fields_of(match)]),
            extend(self.params, [number for number, text in enumerate(path.segments) if text is None]),
            len(path.segments) if path.tail else -1,
        ))
        self.depth = max(self.depth, len(path.segments))
        self.longest_literal = max(self.longest_literal, *(len(text or "") for text in path.segments), 0)


def extend(rows: list[Row], new: Sequence[Row]) -> Pair:
    rows += new
    return len(rows) - len(new), len(new)


def fields_of(match: plan.Match) -> list[tuple[str, str]]:
    return sorted({(name.lower(), value) for name, value in match.headers})


def by_header(matches: Mapping[int, plan.Match]) -> tuple[list[int], dict[str, dict[str, list[int]]]]:
    """The routes that ask for no exact value; and the others by name and value of the rarest one they ask for."""
    asked = {index: [each for each in fields_of(match) if each[1] != "*"] for index, match in matches.items()}
    times = Counter(each for fields in asked.values() for each in fields)
    plain: list[int] = []
    switched: dict[str, dict[str, list[int]]] = {}
    for index, fields in asked.items():
        if fields:
            name, value = min(fields, key=lambda each: (times[each], each))
            switched.setdefault(name, {}).setdefault(value, []).append(index)
        else:
            plain.append(index)
    return plain, switched


def build(routes: Sequence[plan.Route]) -> Tables:
    """Raises ValueError on what config should have refused."""
    made = Tables()
    matches = [route.match for route in routes]
    order = trie.by_preference(routes)
    made.add_trie(trie.build(matches, order), matches)
    ranks = {index: rank for rank, index in enumerate(order)}
    for index, match in enumerate(matches):
        made.add_rule(match, ranks[index])
    return made
