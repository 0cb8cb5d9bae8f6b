"""Rules that would have refused the config that caused an incident: drafted from what its revision changed.

    an endpoint that came            must not be there
    a section or route that went     must be there
    a quantity that fell             not below what was observed before the onset; where that is not known: not so low
    a quantity that rose             not so high
    anything else that changed       not this value

Only the parts that the incident touched are looked at: its routes, and the upstreams of those. A draft is no rule yet:
who drafted it proves that it refuses the one config and passes the other.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model import quantities
from gateway.model.safeguards import SECOND

Part = dict[str, Any]
DRAFTS_MOST = 5
RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
    "namespace", "null", "package", "return", "true", "var", "void", "while"})
LIMITS, ENDPOINTS = "limits", "endpoints"
QUANTITIES = ((re.compile(r"\d+(\.\d+)?%"), quantities.parse_share),
              (re.compile(r"\d+(\.\d+)?(ns|us|ms|s|m|h)"), quantities.parse_duration))


@dataclass(frozen=True, slots=True)
class Observed:
    """Of a route before the onset: its busiest ten seconds in requests per second, its slowest in ms."""

    peak: float = 0.0
    p99_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """As in `rules/*.yaml`. `passes`, `refuses`: the part before and after."""

    name: str
    selector: str
    at: str
    condition: str
    message: str
    passes: Any
    refuses: Any

    def document(self, incident: int) -> dict[str, Any]:
        """In the order in which it is read."""
        found = {"name": self.name, "incident": incident, "selector": self.selector}
        if self.at:
            found["at"] = self.at
        return found | {"condition": self.condition, "message": self.message,
                        "tests": {"pass": [self.passes], "refuse": [self.refuses]}}


@dataclass(frozen=True, slots=True)
class Change:
    """`path`: below the part; None for what is not there."""

    path: tuple[str, ...]
    before: Any
    after: Any


def drafts(before: Part, after: Part, routes: Sequence[str], upstreams: Sequence[str], incident: int,
           observed: dict[str, Observed]) -> list[RuleDraft]:
    """`before`, `after`: configs as one would write them, with every default. `observed`: by route."""
    found = [*_gone(before, after, routes, incident)]
    for selector, one, other, seen in _parts(before, after, routes, upstreams, observed):
        for change in changes(one, other):
            condition, words = _condition(change, seen)
            name = _name(incident, selector, change.path)
            found.append(RuleDraft(name, selector, _at(change.path), condition, words, one, other))
    return found[:DRAFTS_MOST]


def _parts(before: Part, after: Part, routes: Sequence[str], upstreams: Sequence[str],
           observed: dict[str, Observed]) -> Iterator[tuple[str, Part, Part, Observed]]:
    """(selector, before, after, what was observed) of what is in both, upstreams first."""
    of_routes = [{each["name"]: each for each in config.get("routes", ())} for config in (before, after)]
    wanted = dict.fromkeys([*upstreams, *(config[name].get("upstream", "") for config in of_routes for name in routes
                                          if name in config)])
    worst = Observed(max((each.peak for each in observed.values()), default=0.0),
                     max((each.p99_ms for each in observed.values()), default=0.0))
    for name in wanted:
        if name in before.get("upstreams", {}) and name in after.get("upstreams", {}):
            yield f"upstreams.{name}", before["upstreams"][name], after["upstreams"][name], worst
    for name in routes:
        if name in of_routes[0] and name in of_routes[1]:
            yield f"routes.{name}", of_routes[0][name], of_routes[1][name], observed.get(name, Observed())


def _gone(before: Part, after: Part, routes: Sequence[str], incident: int) -> Iterator[RuleDraft]:
    left = {each["name"] for each in after.get("routes", ())}
    for each in before.get("routes", ()):
        if each["name"] not in left and (not routes or each["name"] in routes):
            yield RuleDraft(_name(incident, f"routes.{each['name']}", ()), "config", "routes",
                            f"config.routes.exists(r, r.name == {_literal(each['name'])})",
                            f"the route {each['name']} is missing", before, after)


def changes(before: Part, after: Part, path: tuple[str, ...] = ()) -> Iterator[Change]:
    """Leaf by leaf; lists of endpoints and of named things by their items, others as a whole."""
    for key in dict.fromkeys((*before, *after)):
        one, other, here = before.get(key), after.get(key), (*path, key)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from changes(one, other, here)
        elif key == ENDPOINTS:
            yield Change(here, None, [each["address"] for each in other or () if each["address"] not in {
                old["address"] for old in one or ()}])
        elif key == LIMITS:
            yield from _limits(one or (), other or (), here)
        else:
            yield Change(here, one, other)


def _limits(before: Sequence[Part], after: Sequence[Part], path: tuple[str, ...]) -> Iterator[Change]:
    old = {each["name"]: each for each in before}
    for each in after:
        was = old.get(each["name"], {})
        if each.get("rate") != was.get("rate"):
            yield Change((*path, each["name"]), was.get("rate"), each["rate"])


def _condition(change: Change, seen: Observed) -> tuple[str, str]:
    """The condition, and what to say where it does not hold."""
    written, key = ".".join(change.path), change.path[-1]
    if key == ENDPOINTS:
        listed = ", ".join(map(_literal, change.after))
        return f"!it.endpoints.exists(e, e.address in [{listed}])", f"{', '.join(change.after)} must not come back here"
    if change.path[0] == LIMITS and len(change.path) == 2:
        return _limit(key, change, seen)
    where, absent = _field(change.path)
    if change.after is None:
        return f"has({where})" if absent == "" else f"{_present(change.path)}", f"{written} must not be left out"
    old, new = (_measure(each) for each in (change.before, change.after))
    if old is None or new is None or old[0] != new[0]:
        return f"{absent}{where} != {_literal(change.after)}", f"{written} must not be {_shown(change.after)}"
    return _bound(f"{absent}{where}" if not absent else where, absent, written, change, (old[1], new[1]), old[0], seen)


def _bound(where: str, absent: str, written: str, change: Change, values: tuple[int, int], kind: str,
           seen: Observed) -> tuple[str, str]:
    old, new = values
    if new > old:
        return f"{absent}{where} < {_number(kind, new)}", f"{written} must be less than {_shown(change.after)}"
    floor = round(seen.p99_ms * SECOND / 1000) if kind == "duration" and new < seen.p99_ms * SECOND / 1000 <= old else 0
    off = f"{where} == {_number(kind, 0)} || " if kind == "duration" and new else ""
    if floor:
        return (f"{absent}{off}{where} >= {_number(kind, floor)}",
                f"{written} must not be below the {seen.p99_ms:g} ms that a hundredth of the answers took")
    return f"{absent}{off}{where} > {_number(kind, new)}", f"{written} must be more than {_shown(change.after)}"


def _limit(name: str, change: Change, seen: Observed) -> tuple[str, str]:
    """A limit that is too low: below the busiest ten seconds of its route, where it was above."""
    rate = quantities.parse_rate(change.after)
    new = rate.count * SECOND / rate.period
    floor, words = f"> {new:.9g}", f"limit {name} must be more than {change.after}"
    if new < seen.peak:
        floor, words = f">= {seen.peak:.9g}", f"limit {name} must not be below the {seen.peak:g}/s of ordinary traffic"
    floor = floor if "." in floor or "e" in floor else f"{floor}.0"
    return f"it.limits.all(l, l.name != {_literal(name)} || l.rate {floor})", words


def _measure(value: Any) -> tuple[str, int] | None:
    """(kind, comparable number) of a quantity; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "number", value
    for pattern, parse in QUANTITIES:
        if isinstance(value, str) and pattern.fullmatch(value):
            return ("share" if value.endswith("%") else "duration"), parse(value)
    return None


def _number(kind: str, value: int) -> str:
    """As the condition sees it: seconds, a fraction, or the number."""
    if kind == "duration":
        return repr(value / SECOND)
    return repr(value / 1_000_000) if kind == "share" else str(value)


def _field(path: tuple[str, ...]) -> tuple[str, str]:
    """(how CEL names it, what makes the condition true where a section above it is absent)."""
    absent = f"!{_present(path[:-1])} || " if len(path) > 1 else ""
    return _named(path), absent


def _present(path: tuple[str, ...]) -> str:
    return f"{_literal(path[-1])} in {_named(path[:-1])}"[0:] if path[-1] in RESERVED else f"has({_named(path)})"


def _named(path: tuple[str, ...]) -> str:
    return "it" + "".join(f"[{_literal(key)}]" if key in RESERVED or not key.isidentifier() else f".{key}"
                          for key in path)


def _at(path: tuple[str, ...]) -> str:
    return path[0] if path[0] == LIMITS else ".".join(path)


def _name(incident: int, selector: str, path: tuple[str, ...]) -> str:
    """At most 63 letters, digits, dots and dashes."""
    text = "-".join((f"incident-{incident}", selector.partition(".")[2], *path))
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:63].rstrip("-.")


def _literal(value: Any) -> str:
    """JSON is CEL for texts, numbers, lists and maps alike."""
    return json.dumps(value)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
