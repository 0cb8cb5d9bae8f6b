"""A config file as a tree of nodes, each with its place; how it becomes plain data, and where a setting stands in it.

A location (`Location`) is what pydantic calls `loc`: keys and list indexes from the top. It may name parts that were
never written (a default, the long form of a short one); `find` then answers the nearest written node above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.config.problems import Mark

Location = tuple[int | str, ...]
KEY = "[key]"  # pydantic's last part of a location that is about a key instead of its value


@dataclass(slots=True)
class Leaf:
    """A scalar. `value` is a plain `str` where it was quoted, a `scalar.Scalar` where not, None for null."""

    mark: Mark
    value: str | None
    size: int = 1


@dataclass(slots=True)
class Sequence:
    mark: Mark
    items: list[Node] = field(default_factory=list)
    size: int = 1


@dataclass(slots=True)
class Mapping:
    """`entries` by key, in the order of the file, each with the place of its key."""

    mark: Mark
    entries: dict[str, tuple[Mark, Node]] = field(default_factory=dict)
    size: int = 1


Node = Leaf | Sequence | Mapping


def plain(node: Node) -> Any:
    """Dicts, lists, texts, Scalars and None."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def find(root: Node, location: Location) -> Node | None:
    """The node at exactly this location."""
    node: Node | None = root
    for part in location:
        node = _below(node, part)
    return node


def steps(root: Node, location: Location) -> Iterator[tuple[int | str, Node]]:
    """The parts of a location that were written, with the node each leads to; others are passed over."""
    node: Node = root
    for part in location:
        below = _below(node, part)
        if below is not None:
            node = below
            yield part, node


def place(root: Node, location: Location) -> Mark:
    """Where to point: at the value, or at its key where the location ends in KEY, or at what stands above it."""
    written = list(steps(root, location))
    if not written:
        return root.mark
    above = written[-2][1] if len(written) > 1 else root
    part, node = written[-1]
    if location[-1] == KEY and isinstance(above, Mapping):
        return above.entries[str(part)][0]
    return node.mark


def key_place(root: Node, location: Location) -> Mark:
    """Where the last written key of this location stands."""
    return place(root, (*location, KEY))


def named(root: Node, location: Location) -> str:
    """How a message calls the location: `routes.list-orders.match.path`, `listeners[0].tls`."""
    text = ""
    for part, node in steps(root, location):
        name = _name(node) if isinstance(part, int) and location[0] == "routes" else None
        text += f"[{part}]" if isinstance(part, int) and name is None else f".{name or part}"
    return text.removeprefix(".")


def _below(node: Node | None, part: int | str) -> Node | None:
    if isinstance(node, Mapping) and part in node.entries:
        return node.entries[str(part)][1]
    if isinstance(node, Sequence) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def _name(node: Node) -> str | None:
    name = find(node, ("name",))
    return str(name.value) if isinstance(name, Leaf) and name.value else None
