"""YAML text -> a tree whose nodes know their line and column.

Rules:
- pyyaml only parses (its events); which scalar is a number, and what is refused, is decided here, so that nothing of
  YAML 1.1 and no Python object can come out of a file;
- every fault is collected as a Problem; one of the syntax ends the reading, as pyyaml cannot go on after it;
- nothing is unbounded: size of the file, depth, and the nodes that aliases stand for ("billion laughs");
- a repeated key, a merge key `<<`, a tag outside the core schema and a second document are refused, never guessed at.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from gateway.config import scalars
from gateway.config.problems import Mark, Problem
from gateway.config.tree import Leaf, Mapping, Node, Sequence
from gateway.model.scalar import Scalar

FILE_BYTES_MAX = 1 << 20
DEPTH_MAX = 32  # a config has 8 levels, a JSON body in it some more
ALIASED_NODES_MAX = 10_000
PROBLEMS_MAX = 200  # enough to work with; a file of garbage must not fill the terminal
CORE = "tag:yaml.org,2002:"
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times faster, where pyyaml has it
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Refused(Exception):
    """A fault after which reading cannot go on; it is already among the problems."""


def read(data: bytes, name: str) -> tuple[Mapping, list[Problem]]:
    """The top mapping of the file called `name` and everything wrong with it; empty where nothing could be read."""
    reader = _Reader(name)
    nothing = Mapping(Mark(name, 1, 1))
    try:
        root = reader.document(data)
    except _Refused:
        return nothing, reader.problems
    if isinstance(root, Mapping):
        return root, reader.problems
    reader.report(root.mark, "a config is a mapping; write sections such as version:, listeners: and routes:")
    return nothing, reader.problems


class _Reader:
    """Reads one document, top down. State: the parser's events, the anchors so far, the nodes that aliases added."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}  # None: still being read
        self.aliased = 0
        self.events: Iterator[Any] = iter(())
        self.text = ""

    def report(self, mark: Mark, message: str) -> None:
        self.problems.append(Problem(mark, "", message))
        if len(self.problems) >= PROBLEMS_MAX:
            raise _Refused

    def refuse(self, mark: Mark, message: str) -> NoReturn:
        self.report(mark, message)
        raise _Refused

    def document(self, data: bytes) -> Node:
        """The root of the only document."""
        self.text = self._decoded(data)
        self.events = iter(yaml.parse(self.text, Loader=LOADER))
        self._next()  # stream start
        if isinstance(self._next(), yaml.StreamEndEvent):
            self.refuse(Mark(self.name, 1, 1), "the file is empty; write at least version: 1 and listeners:")
        root = self._node(self._next(), depth=0)
        self._next()  # document end
        more = self._next()
        if not isinstance(more, yaml.StreamEndEvent):
            self.refuse(self._mark(more), "a second document begins here; write one document per file")
        return root

    def _decoded(self, data: bytes) -> str:
        if len(data) > FILE_BYTES_MAX:
            self.refuse(Mark(self.name, 1, 1), f"the file is larger than {FILE_BYTES_MAX >> 20} MiB; split it into a "
                        "folder of files")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8", "replace")
            self.refuse(self._mark_after(before), "is not UTF-8; save the file as UTF-8")
        found = UNPRINTABLE.search(text)
        if found:
            self.refuse(self._mark_after(text[: found.start()]), f"control character U+{ord(found[0]):04X}; remove it")
        return text

    def _next(self) -> Any:
        try:
            return next(self.events)
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            mark = Mark(self.name, at.line + 1, at.column + 1) if at else Mark(self.name, 1, 1)
            self.refuse(mark, _syntax(error) + self._hint(mark))
        except yaml.YAMLError as error:
            self.refuse(Mark(self.name, 1, 1), f"not YAML: {error}")

    def _hint(self, mark: Mark) -> str:
        """What to write where a character stands that begins nothing in YAML."""
        line = [*self.text.split("\n"), *[""] * mark.line][mark.line - 1]
        hints = {"\t": "; indent with spaces, not tabs", "@": "; put it in quotes", "`": "; put it in quotes"}
        return hints.get(line[mark.column - 1 : mark.column], "")

    def _mark(self, event: Any) -> Mark:
        return Mark(self.name, event.start_mark.line + 1, event.start_mark.column + 1)

    def _mark_after(self, before: str) -> Mark:
        return Mark(self.name, before.count("\n") + 1, len(before) - before.rfind("\n"))

    def _node(self, event: Any, depth: int) -> Node:
        if depth > DEPTH_MAX:
            self.refuse(self._mark(event), f"nested deeper than {DEPTH_MAX} levels; write it flatter")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self._check_tag(event)
        node = self._fresh(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _fresh(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Leaf(self._mark(event), _value(event))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(Sequence(self._mark(event)), depth)
        return self._mapping(Mapping(self._mark(event)), depth)

    def _sequence(self, node: Sequence, depth: int) -> Sequence:
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            item = self._node(event, depth + 1)
            node.items.append(item)
            node.size += item.size
        return node

    def _mapping(self, node: Mapping, depth: int) -> Mapping:
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            mark = self._mark(event)
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if self._is_good_key(key, mark, event, node):
                assert isinstance(key, Leaf)
                node.entries[str(key.value or "")] = (mark, value)
                node.size += 1 + value.size
        return node

    def _is_good_key(self, key: Node, mark: Mark, event: Any, node: Mapping) -> bool:
        if not isinstance(key, Leaf):
            self.report(mark, "a key must be a word, not a list or mapping")
            return False
        word = str(key.value or "")
        if word == "<<" and not getattr(event, "style", None):
            self.report(mark, "merge keys (<<) are not supported; write the keys out, or alias a whole value")
            return False
        if word in node.entries:
            first = node.entries[word][0]
            self.report(mark, f"the key {word!r} was already given on line {first.line}; keep one of them")
            return False
        return True

    def _alias(self, event: Any) -> Node:
        mark = self._mark(event)
        if event.anchor not in self.anchors:
            self.refuse(mark, f"*{event.anchor} stands for nothing; write &{event.anchor} before the value it means")
        node = self.anchors[event.anchor]
        if node is None:
            self.refuse(mark, f"*{event.anchor} stands within itself; write the value out")
        self.aliased += node.size
        if self.aliased > ALIASED_NODES_MAX:
            self.refuse(mark, f"aliases stand for more than {ALIASED_NODES_MAX:,} values; write fewer")
        return node

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _CORE_TAGS:
            self.report(self._mark(event), f"the tag {event.tag} is not supported; write the value without a tag")


_CORE_TAGS = {"!", *(CORE + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map"))}


def _value(event: Any) -> str | None:
    """Quoted, or tagged as a text: a plain `str`. Otherwise both its text and what it stands for, or None for null."""
    text = str(event.value)
    if event.style or event.tag in ("!", CORE + "str"):
        return text
    return None if scalars.is_null(text) else Scalar(text, scalars.resolve(text))


def _syntax(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return f"not YAML: {', '.join(parts)}"
