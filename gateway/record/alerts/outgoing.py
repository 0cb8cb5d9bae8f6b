"""What goes out, and how a template is filled."""

import json
import re
from dataclasses import dataclass
from typing import Any

JSON = "application/json"
PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Post:
    """One HTTP POST. Its `url` and headers may hold secrets, so its repr shows neither."""

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", JSON),)

    def __repr__(self) -> str:
        return f"<Post of {len(self.body)} bytes>"


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def fill(template: str, document: dict[str, Any]) -> str:
    """`{name}` becomes that part of the document, a list a line each; a name that it does not have stays."""
    def part(found: re.Match[str]) -> str:
        value = document.get(found[1], found[0])
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value)

    return PLACE.sub(part, template).strip()


def names(template: str) -> list[str]:
    return PLACE.findall(template)
