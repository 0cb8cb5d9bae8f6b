"""Which answers may be kept to be served stale when the upstream fails, and for how long: stale-if-error, RFC 5861.

Theory of operation. The store is a safety net, not a cache: a kept answer is served only in place of an error. It is
kept only where the origin lets a shared cache do so (RFC 9111 section 3), in the narrow form in which nobody is shown
what was meant for another:
- GET answered with 200, 203, 301 or 404; a HEAD is answered from a kept GET;
- no `no-store`, `private` or `no-cache` (which forbids to serve it unasked), no Set-Cookie, no `Vary: *`, no Range;
  and no Authorization, unless `public` or `s-maxage` allows it;
- with a lifetime that the origin gave: s-maxage, max-age or Expires. Without one nothing says that it may be kept.
It may be served until `stale-if-error` of the origin, or `for` of the config where the origin names none, has passed
since its lifetime ended; the config is the upper bound of both. `must-revalidate`, `proxy-revalidate`, and `s-maxage`
without `stale-if-error`, forbid it: such an answer helps out only while it is fresh. What is served carries `Age` and
`x-fallback: stale`.

The key is method, scheme, host, path and query, in the order given; beside it the values of the request fields that
`Vary` names must be the same. Header names are lower case here; times are nanoseconds, unless called seconds.

Sources: RFC 9111 3, 4.1, 4.2, 5.2; RFC 5861 4; algorithms.md 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from gateway.model.safeguards import SECOND

Headers = Mapping[str, str]

STATUSES = frozenset({200, 203, 301, 404})
FORBIDDEN = frozenset({"no-store", "private", "no-cache"})
NEVER_STALE = frozenset({"must-revalidate", "proxy-revalidate"})
SECONDS_MAX = 2**31  # RFC 9111 1.2.2: what is larger is taken as this
BODY_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A kept answer. `stored` is when it came (monotonic), `age` its age then; `lifetime`, then `grace` follow."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stored: int
    age: int
    lifetime: int
    grace: int
    varying: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes, roughly: an object per field beside the text."""
        return 200 + len(self.body) + sum(100 + len(name) + len(value) for name, value in self.headers)


def directives(value: str) -> dict[str, str]:
    """`max-age=60, public` as {"max-age": "60", "public": ""}; of a repeated one the first (RFC 9111 4.2.1)."""
    found: dict[str, str] = {}
    for part in value.split(","):
        name, _, argument = part.strip().partition("=")
        if name:
            found.setdefault(name.strip().lower(), argument.strip().strip('"'))
    return found


def refusal(method: str, request: Headers, status: int, answer: Headers) -> str:
    """Why this answer is not kept, in a few words; empty where it may be."""
    control, asked = directives(answer.get("cache-control", "")), directives(request.get("cache-control", ""))
    if method != "GET" or status not in STATUSES or "range" in request:
        return "not a whole answer to GET"
    if "no-store" in asked:
        return "the client forbids it"
    if FORBIDDEN & control.keys():
        return "the origin forbids it"
    if "authorization" in request and not {"public", "s-maxage"} & control.keys():
        return "meant for one user"
    if "set-cookie" in answer or "*" in answer.get("vary", ""):
        return "differs for each client"
    return "" if lifetime(answer) else "no lifetime given"


def lifetime(answer: Headers) -> int:
    """Nanoseconds for which it is fresh, 0 where the origin gave none or one that makes no sense."""
    control = directives(answer.get("cache-control", ""))
    for name in ("s-maxage", "max-age"):
        if name in control:
            return _seconds(control[name]) * SECOND
    return _expires(answer)


def _expires(answer: Headers) -> int:
    try:
        passed = parsedate_to_datetime(answer["expires"]) - parsedate_to_datetime(answer["date"])
        return max(0, min(int(passed.total_seconds()), SECONDS_MAX)) * SECOND
    except (KeyError, TypeError, ValueError):  # missing, a date without a zone beside one with, or no date at all
        return 0


def _seconds(text: str) -> int:
    return min(int(text), SECONDS_MAX) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def grace(answer: Headers, most: int) -> int:
    """Nanoseconds after its lifetime in which it may be served for an error; `most` is `for` of the config."""
    control = directives(answer.get("cache-control", ""))
    if NEVER_STALE & control.keys():
        return 0
    if "stale-if-error" in control:
        return min(most, _seconds(control["stale-if-error"]) * SECOND)
    return 0 if "s-maxage" in control else most


def key(scheme: str, host: str, target: str) -> str:
    """The key of a GET, and of the HEAD of the same; `target` is path and query."""
    return f"{scheme}://{host.lower()}{target}"


def varying(request: Headers, answer: Headers) -> tuple[tuple[str, str], ...]:
    """The request fields that `Vary` names, with the values they had."""
    names = sorted({name.strip().lower() for name in answer.get("vary", "").split(",")} - {""})
    return tuple((name, request.get(name, "")) for name in names)


def keep(request: Headers, status: int, answer: Headers, fields: tuple[tuple[str, str], ...], body: bytes, now: int,
         most: int) -> Stored:
    """The answer as it is kept; only where `refusal` is empty. `fields` are those to be served, `most` the `for`."""
    age = _seconds(answer.get("age", "").strip()) * SECOND
    return Stored(status, tuple(field for field in fields if field[0].lower() != "age"), body, now, age,
                  lifetime(answer), grace(answer, most), varying(request, answer))


def age(stored: Stored, now: int) -> int:
    """Whole seconds, for the `Age` field."""
    return (stored.age + max(0, now - stored.stored)) // SECOND


def stale_for(stored: Stored, now: int) -> int:
    """Nanoseconds since it went stale, 0 while it is fresh."""
    return max(0, stored.age + now - stored.stored - stored.lifetime)


def may_serve(stored: Stored, request: Headers, now: int) -> bool:
    """Is it an answer to this request, and not too old? A client that wants no stale answer gets none."""
    asked = directives(request.get("cache-control", ""))
    if {"no-cache", "no-store"} & asked.keys() or "range" in request:
        return False
    same = all(request.get(name, "") == value for name, value in stored.varying)
    return same and stale_for(stored, now) <= stored.grace


def served(stored: Stored, now: int) -> tuple[tuple[str, str], ...]:
    """Its fields as they are served: with its age, and a word that it is a fallback."""
    return (*stored.headers, ("age", str(age(stored, now))), ("x-fallback", "stale"))
