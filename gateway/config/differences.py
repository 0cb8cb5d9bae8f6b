"""What a change of the config changes: between texts as a unified diff, between plans by route, upstream and key.

A plan's diff shows what the gateway would do differently; a comment or another order of keys is not in it.
"""

import dataclasses
import difflib
import json
from collections.abc import Iterator
from typing import Any

from gateway.routing.plan import Plan

LINES_MAX = 2_000
MET_BY_ALL = ("listeners", "trusted_proxies", "max_connections", "workers")
NAMED = {"upstreams": "name", "routes": "name", "endpoints": "address", "listeners": "address", "limits": "name"}
"""Lists whose items are known by a key of theirs, not by their position."""


def of_texts(before: str, after: str) -> str:
    """A unified diff, bounded; empty if nothing changed."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm=""))
    more = [f"… {len(lines) - LINES_MAX} more lines"] if len(lines) > LINES_MAX else []
    return "\n".join([*lines[:LINES_MAX], *more])


def of_plans(before: Plan, after: Plan) -> list[str]:
    """One line for each thing that differs: `+ route a`, `- upstream b`, `~ route a: timeout: 0 -> 5000000000`."""
    return [*_compared("", dataclasses.asdict(before), dataclasses.asdict(after)), *_reordered(before, after)]


def touched(before: str, after: str) -> list[tuple[str, str]]:
    """Which upstreams and routes differ between two plans (as JSON), as kind and name; `("", "")` where something
    differs that all traffic meets."""
    one, other = json.loads(before), json.loads(after)
    found = [("", "")] if any(one.get(key) != other.get(key) for key in MET_BY_ALL) else []
    for kind in ("upstream", "route"):
        was, now = ({each["name"]: each for each in plan.get(f"{kind}s", ())} for plan in (one, other))
        found += [(kind, name) for name in dict.fromkeys((*was, *now)) if was.get(name) != now.get(name)]
    return found


def sections(text: str) -> dict[str, int]:
    """The line of each top-level key of a config's text, as far as it is written in block style."""
    lines = enumerate(text.splitlines(), 1)
    return {line.split(":", 1)[0]: number for number, line in lines if line[:1].isalpha() and ":" in line}


def _compared(where: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _keys(where, before, after)
    else:
        yield f"~ {where}: {_shown(before)} -> {_shown(after)}"


def _keys(where: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        one, other = before.get(key), after.get(key)
        below = f"{where}: {key}" if where else key
        if key in NAMED and isinstance(one, tuple | list) and isinstance(other, tuple | list):
            yield from _items(where, key, _by_name(key, one), _by_name(key, other))
        else:
            yield from _compared(below, one, other)


def _items(where: str, key: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    prefix = f"{where}: {key[:-1]}" if where else key[:-1]
    yield from (f"- {prefix} {name}" for name in before if name not in after)
    yield from (f"+ {prefix} {name}" for name in after if name not in before)
    for name in before:
        if name in after:
            yield from _compared(f"{prefix} {name}", before[name], after[name])


def _by_name(key: str, items: tuple[Any, ...] | list[Any]) -> dict[str, Any]:
    """Items that share a name (an endpoint given twice) are told apart by a count."""
    named: dict[str, Any] = {}
    for item in items:
        name = str(item[NAMED[key]])
        again = sum(1 for each in named if each == name or each.startswith(f"{name} #"))
        named[f"{name} #{again + 1}" if again else name] = item
    return named


def _reordered(before: Plan, after: Plan) -> Iterator[str]:
    """The order of routes can decide which of two that match alike is taken."""
    kept_before = [each.name for each in before.routes if each.name in {other.name for other in after.routes}]
    kept_after = [each.name for each in after.routes if each.name in set(kept_before)]
    if kept_before != kept_after:
        yield f"~ order of routes: {', '.join(kept_after)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
