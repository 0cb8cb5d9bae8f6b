"""Lists that may be long, a page at a time: `?limit=50&before=NUMBER`, the latest first.

The answer's `next` is the `before` of the page that follows, or null. Numbers only grow and never come back, so that no
entry is shown twice or left out, whatever is added meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.record.store import LAST

USUAL, MOST = 50, 1000


@dataclass(frozen=True, slots=True)
class Page:
    limit: int
    before: int

    def following(self, numbers: Sequence[int]) -> int | None:
        """The cursor of the next page, after one that holds these numbers."""
        return numbers[-1] if len(numbers) == self.limit else None


def page(request: web.Request) -> Page:
    """Raises ValueError."""
    limit, before = (number(request, name, usual) for name, usual in (("limit", USUAL), ("before", LAST)))
    return Page(max(1, min(limit, MOST)), max(0, min(before, LAST)))


def number(request: web.Request, name: str, usual: int) -> int:
    """Of the query. Raises ValueError."""
    text = request.query.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ValueError(f"`{name}` must be a number")
    return int(text)
