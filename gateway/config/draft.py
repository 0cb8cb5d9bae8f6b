"""A first config while it is made of something else, and how it is written down."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from gateway.model import kinds

SYMBOLS = re.compile(r"[^A-Za-z0-9._-]+")
NAME_MOST = 56                          # room for the number of a name that is taken


@dataclass
class Draft:
    """`left_out`: what the source says and this config does not, each a line for whoever reads it."""

    source: str
    listen: str
    upstreams: dict[str, dict[str, Any]] = field(default_factory=dict)
    routes: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add_upstream(self, wish: str, settings: dict[str, Any]) -> str:
        """The name of an upstream with these settings: of one that is there, or of a new one."""
        for name, known in self.upstreams.items():
            if known == settings:
                return name
        name = _free(wish, set(self.upstreams))
        self.upstreams[name] = settings
        return name

    def add_route(self, wish: str, **settings: Any) -> None:
        """A route, unless another one takes the same requests already."""
        match = settings.get("match", {})
        if any(each.get("match", {}) == match for each in self.routes):
            self.left_out.append(f"{wish}: another route takes the same requests")
            return
        self.routes.append({"name": _free(wish, {each["name"] for each in self.routes}), **settings})

    def text(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# A first config, made by `gateway init` of {_one_line(self.source)}. Every setting: docs/config.md."
        if self.left_out:
            yield "# Not taken over:"
        yield from (f"#   {_one_line(each)}" for each in self.left_out)
        yield from ("version: 1", "", "listeners:", f"  - address: {self.listen}", "", "upstreams:")
        yield from (f"  {name}: {_flow(each)}" for name, each in self.upstreams.items())
        yield from ("", "routes:")
        yield from (f"  - {_flow(each)}" for each in self.routes)


def _free(wish: str, taken: set[str]) -> str:
    stem = SYMBOLS.sub("-", wish).strip("-._")[:NAME_MOST] or "all"
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return kinds.name(next(name for name in numbered if name not in taken))


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True).strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
