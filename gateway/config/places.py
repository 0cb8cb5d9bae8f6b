"""Where in a config's text something is said: for whoever asks why.

What was left to its default is found at the written node above it. A config of several files has them one after the
other in its text, each behind a line that names it (`revisions.text_of`).
"""

import re
from dataclasses import dataclass

from gateway.config import files, tree
from gateway.config.tree import Location, Mapping, Node, Sequence

FILE = re.compile(r"^# file: (.+)$", re.MULTILINE)
WHOLE = "config"


@dataclass(frozen=True, slots=True)
class Place:
    """`text`: the line as it is written."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Places:
    """Of one text. Nothing is found in a text that is no config, such as the empty one of `--upstream`."""

    def __init__(self, text: str) -> None:
        self._documents = documents(text)
        self._root = files.parse({name: each.encode() for name, each in self._documents.items()})[0]

    def of_route(self, name: str, *below: str) -> Place | None:
        """A route's key, such as `limits`; in a list below it, an item by its name."""
        return self._find(("routes", name, *below))

    def of_upstream(self, name: str, *below: str) -> Place | None:
        return self._find(("upstreams", name, *below))

    def _find(self, path: tuple[str, ...]) -> Place | None:
        location = self._location(path)
        if len(location) < 2:
            return None
        mark = tree.place(self._root, location)
        if isinstance(location[-1], str):
            mark = tree.key_place(self._root, location)
        lines = self._documents.get(mark.file, "").splitlines()
        return Place(mark.file, mark.line, lines[mark.line - 1].strip()) if 0 < mark.line <= len(lines) else None

    def _location(self, path: tuple[str, ...]) -> Location:
        """As far as it is written; names of items become their indices."""
        node: Node | None = self._root
        found: list[int | str] = []
        for part in path:
            step: int | str = part
            if isinstance(node, Sequence):
                step = next((index for index, item in enumerate(node.items) if _name(item) == part), -1)
            below = tree.find(node, (step,)) if node is not None else None
            if below is None:
                break
            found.append(step)
            node = below
        return tuple(found)


def documents(text: str) -> dict[str, str]:
    """A revision's text as its files."""
    if not text.startswith("# file: "):
        return {WHOLE: text}
    parts = FILE.split(text)
    found = zip(parts[1::2], parts[2::2], strict=True)
    return {name: body.removeprefix("\n").removesuffix("\n") for name, body in found}


def joined(files_of: dict[str, str]) -> str:
    """The other way round, as `revisions.text_of` does it."""
    if list(files_of) == [WHOLE]:
        return files_of[WHOLE]
    return "".join(f"# file: {name}\n{text}\n" for name, text in files_of.items())


def _name(item: Node) -> str:
    found = tree.find(item, ("name",)) if isinstance(item, Mapping) else None
    return str(tree.plain(found)) if found is not None else ""
