"""The routes of a plan as one trie, flattened to plain lists that the compiled router copies into C arrays.

Node 0 is the root for any host; every host and every `*.suffix` of the plan has a root of its own. A route hangs
below the root of each of its hosts, at the node that its segments lead to: under `exact` where its path ends there,
under `rest` where `**` follows. The routes of one such list differ in methods and headers only and stand in the order
in which they are tried: a methods list before none, more header matches before fewer, then by name.
"""
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.routing import pattern, plan

ANY_HOST = 0                        # the root node for any host
EXACT_HOST = 0xFFFFFFFF             # as parents of an edge: the host's whole name leads to a root ...
HOST_SUFFIX = 0xFFFFFFFE            # ... or what follows a `*.` does

METHOD_BITS = {"GET": 1, "HEAD": 2, "POST": 4, "PUT": 8, "DELETE": 16, "OPTIONS": 32, "PATCH": 64}
OTHER_METHOD = 128


@dataclass(slots=True)
class Node:
    """`param`: the node that a `{name}` leads to, 0 for none."""

    literals: dict[str, int] = field(default_factory=dict)
    param: int = 0
    exact: list[int] = field(default_factory=list)
    rest: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Trie:
    nodes: list[Node] = field(default_factory=lambda: [Node()])
    hosts: dict[str, int] = field(default_factory=dict)
    suffixes: dict[str, int] = field(default_factory=dict)

    def edges(self) -> list[tuple[int, str, int]]:
        """(parent, text, child) of every step that needs a look-up: the hosts' and the literal segments'."""
        found = [(EXACT_HOST, name, root) for name, root in self.hosts.items()]
        found += [(HOST_SUFFIX, name, root) for name, root in self.suffixes.items()]
        for number, node in enumerate(self.nodes):
            found += [(number, text, child) for text, child in node.literals.items()]
        return found

    def add(self, index: int, match: plan.Match) -> None:
        path = pattern.compile_pattern(match.path)
        for root in self._roots(match.hosts):
            node = self.nodes[self._descend(root, path.segments)]
            (node.rest if path.tail else node.exact).append(index)

    def _roots(self, hosts: Sequence[str]) -> set[int]:
        if not hosts:
            return {ANY_HOST}
        return {ANY_HOST if host == plan.ANY_HOST else self._root(*pattern.compile_host(host)) for host in hosts}

    def _root(self, wild: bool, name: str) -> int:
        names = self.suffixes if wild else self.hosts
        if name not in names:
            names[name] = self._new()
        return names[name]

    def _descend(self, number: int, segments: Sequence[str | None]) -> int:
        for segment in segments:
            node = self.nodes[number]
            if segment is None:
                node.param = number = node.param or self._new()
            else:
                if segment not in node.literals:
                    node.literals[segment] = self._new()
                number = node.literals[segment]
        return number

    def _new(self) -> int:
        self.nodes.append(Node())
        return len(self.nodes) - 1


def build(matches: Sequence[plan.Match], order: Sequence[int]) -> Trie:
    """Raises ValueError on a path or host that config should have refused."""
    trie = Trie()
    for index in order:
        trie.add(index, matches[index])
    return trie


def by_preference(routes: Sequence[plan.Route]) -> list[int]:
    """Indexes in the order in which routes of one place are tried."""
    return sorted(range(len(routes)), key=lambda index: _preference(routes[index]))


def _preference(route: plan.Route) -> tuple[bool, int, str]:
    return not route.match.methods, -len(set(route.match.headers)), route.name


def method_mask(match: plan.Match) -> tuple[int, list[str]]:
    """The bits of the methods taken, and the names of those that have none; no names with OTHER_METHOD: all of them."""
    taken = pattern.methods_taken(match)
    if not taken:
        return sum(METHOD_BITS.values()) | OTHER_METHOD, []
    others = sorted(taken - METHOD_BITS.keys())
    return sum(METHOD_BITS.get(name, 0) for name in taken) | (OTHER_METHOD if others else 0), others
