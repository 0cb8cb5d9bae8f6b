"""An override: what a hand puts in the place of the config and of the machinery, on one target, for a time.

    kind        targets                               value
    isolation   route, upstream, endpoint, client     close | keep open: the target's open tunnels
    breaker     upstream                              open | closed

Without an end, a reason or a name it would be the forgotten silence of alertmanager#1639: so it has all three. The time
to live has a bound; what is to stay belongs into the config. The expiry is stored in UTC, so that it survives a reboot;
the board holds the same moment on the monotonic clock, and every worker compares it itself, so that the override ends
even if nobody is left to lift it.
"""

from dataclasses import dataclass

from gateway.model.quantities import format_duration
from gateway.model.safeguards import SECOND, Explanation

ISOLATION, BREAKER = "isolation", "breaker"
CLOSE, KEEP_OPEN = "close", "keep open"
OPEN, CLOSED = "open", "closed"
VALUES = {ISOLATION: (CLOSE, KEEP_OPEN), BREAKER: (OPEN, CLOSED)}

TTL = 30 * 60 * SECOND
TTL_LEAST = 1 * SECOND
TTL_MOST = 30 * 24 * 3600 * SECOND
REASON_MAX = 500
NOTE_MAX = 100


@dataclass(frozen=True, slots=True)
class Override:
    """`who`: by what right; `note`: what that person called themselves. Times are UTC nanoseconds.

    `id` is the store's; `ended`: "" while it stands, else released | expired | replaced, at `ended_ns`.
    """

    kind: str
    target: str
    value: str
    reason: str
    who: str
    note: str
    at_ns: int
    expires_ns: int
    id: int = 0
    ended: str = ""
    ended_ns: int = 0

    def is_active(self, now: int) -> bool:
        return not self.ended and now < self.expires_ns

    def left(self, now: int) -> int:
        """Nanoseconds until it ends."""
        return max(0, self.expires_ns - now) if not self.ended else 0

    def explain(self, now: int) -> Explanation:
        word = "isolated" if self.kind == ISOLATION else f"forced {self.value.upper()}"
        left = format_duration(self.left(now) // SECOND * SECOND)
        return Explanation(self.kind, f"{' '.join(filter(None, (self.who, self.note)))}: {self.reason}", "by hand",
                           f"{self.target} {word} for another {left}" if self.is_active(now)
                           else f"{self.target} is as the config says")


def override(kind: str, target: str, value: str, reason: str, who: str, now: int, ttl: int = TTL,
             note: str = "") -> Override:
    """A checked override from `now` (UTC) for `ttl` nanoseconds. Raises ValueError, with what to write instead."""
    if value not in VALUES[kind]:
        raise ValueError(f"{value[:40]!r} is no state of {kind}s by hand; write {' or '.join(VALUES[kind])}")
    if not who:
        raise ValueError("an override needs to say who makes it")
    reason = " ".join(reason.split())
    if not reason or len(reason) > REASON_MAX or not reason.isprintable():
        raise ValueError(f"a reason of 1 to {REASON_MAX} printable characters is needed; whoever looks at it next must "
                         "know why")
    if not TTL_LEAST <= ttl <= TTL_MOST:
        raise ValueError(f"ttl must be {format_duration(TTL_LEAST)} to {format_duration(TTL_MOST)}, not "
                         f"{format_duration(ttl) if ttl >= 0 else 'negative'}; what is to stay belongs into the config")
    return Override(kind, target, value, reason, who, one_line(note)[:NOTE_MAX], now, now + ttl)


def one_line(text: str) -> str:
    """What a person wrote, fit for a log and a terminal."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
