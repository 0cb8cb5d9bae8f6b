"""A setting put into a config's text: one line changes, every comment and the rest of the layout stay.

A key that is there has its value replaced where that is a plain word on one line; a key that is not is added as the
first of its mapping, an item as the first of its list, in flow style, so that it fits into blocks and braces alike.
"""

import json
import re
from typing import Any

from gateway.config import files, places, tree
from gateway.config.problems import Mark
from gateway.config.tree import Leaf, Location, Mapping, Sequence

WORD = re.compile(r"[A-Za-z0-9._/%+-]+")


class NotEditable(ValueError):
    """What is written there cannot be changed without rewriting more of it; the message says where."""


def put(text: str, location: Location, value: Any) -> str:
    """`location`: the key's, or a list's with 0 for a new first item; what it is put into must be written. `value`:
    texts, numbers, lists and mappings of them. Raises NotEditable."""
    documents = places.documents(text)
    root, problems = files.parse({name: each.encode() for name, each in documents.items()})
    if problems:
        raise NotEditable("the config cannot be read")
    above, key = tree.find(root, location[:-1]), str(location[-1])
    lines = documents.get(above.mark.file, "").splitlines() if above else []
    if isinstance(above, Sequence) and above.items:
        _insert(lines, above.items[0].mark, written(value), "[")
    elif not isinstance(above, Mapping) or not above.entries:
        raise NotEditable(f"{tree.named(root, location)}: its section is not written out")
    elif key in above.entries:
        _replace(lines, above.entries[key][1], value)
    else:
        _insert(lines, next(iter(above.entries.values()))[0], f"{key}: {written(value)}", "{")
    documents[above.mark.file] = "\n".join(lines) + "\n"
    return places.joined(documents)


def _replace(lines: list[str], node: tree.Node, value: Any) -> None:
    line, at = lines[node.mark.line - 1], node.mark.column - 1
    found = WORD.match(line, at)
    if not isinstance(node, Leaf) or found is None or found.group() != str(node.value):
        raise NotEditable(f"{node.mark}: is more than one plain word")
    lines[node.mark.line - 1] = line[:at] + written(value) + line[found.end():]


def _insert(lines: list[str], first: Mark, said: str, opening: str) -> None:
    """Before the first entry; in a block that one moves to a line of its own."""
    line, at = lines[first.line - 1], first.column - 1
    if line[:at].rstrip().endswith(opening):
        lines[first.line - 1] = f"{line[:at]}{said}, {line[at:]}"
    else:
        dash = line[:at] if opening == "[" else " " * at
        lines[first.line - 1:first.line] = [line[:at] + said, dash + line[at:]]


def written(value: Any) -> str:
    """In flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str) and WORD.fullmatch(value) and value not in ("true", "false", "null"):
        return value
    return json.dumps(value)
