"""THE ONE HAND THAT ACTS: what stands by hand, and what the gateway does by itself, written into the board's control
words and client rules.

It is told the whole of what stands, and makes the board say so: words that differ are written, words that stand for
nothing any more are lifted. So it does not matter what its predecessor was in the midst of when it died; and a word
without a record, which nobody could see or lift, does not last longer than control's next start. (But for the share of
an endpoint's weight, which the tick writes too: that ends with its `until`.) Where a person and the gateway want the
same word, the person has it.

The word of an isolation also holds the number of the incident that is open on its target, isolated or not: who is
refused there for whatever reason is told.

Each word is a pair with its `until`, written value first: a reader may see the new value for the old time during the
nanoseconds between the two stores, and both are meant.
"""

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from gateway import _limiter
from gateway.board import Board, Row
from gateway.control import client_rules
from gateway.control.client_rules import Rule
from gateway.control.places import SECTIONS, Places
from gateway.model import override as overrides
from gateway.model import target as targets
from gateway.model.action import Action, ActionKind
from gateway.model.override import Override
from gateway.model.signal import GATEWAY

SHED, CONCURRENCY, WEIGHT = "shed", "concurrency", "weight"
PAIRS = {overrides.ISOLATION: ("isolation", "isolated_until"), overrides.BREAKER: ("forced", "forced_until"),
         SHED: ("shed_rank", "shed_until"), CONCURRENCY: ("concurrency", "concurrency_until"),
         WEIGHT: ("ramp_ppm", "ramp_until")}
NUMBER = 8
"""Where the number of an incident begins in the word of an isolation; below are flags."""
NOTHING: Mapping[str, int] = types.MappingProxyType({})
OURS_ALONE = PAIRS.keys() - {WEIGHT}
WORDS = {overrides.CLOSE: 0, overrides.KEEP_OPEN: 1, overrides.OPEN: 1, overrides.CLOSED: 2}
"""As in `_gates`: flags of an isolation, and how a breaker is forced."""
SAME_NS = 50_000_000
"""Two readings of two clocks differ: an `until` is written again only if it moved by more."""

Place = tuple[str, int, str]            # section, row, name of the pair
Pair = tuple[int, int]                  # value, until


class Actuator:
    """Mutable state: which places hold a word of ours; unknown at the start, so all are looked at."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.places = Places(board)
        self._held: set[Place] | None = None

    def enforce(self, standing: Iterable[Override], now_utc: int, now: int,
                actions: Iterable[Action] = (), incidents: Mapping[str, int] = NOTHING) -> frozenset[int]:
        """Make the board say what stands; `now` is monotonic; `incidents`: target -> the number of the one that is open
        on it. Returns the ids of the overrides that no row has the name for."""
        words: dict[Place, Pair] = {}
        rules: dict[int, Rule] = {}
        waiting = set()
        for action in actions:
            if action.is_active(now_utc):
                self._act(action, now + action.left(now_utc), words, rules)
        active = [each for each in standing if each.is_active(now_utc)]
        for each in sorted(active, key=lambda each: each.expires_ns):   # the one that ends last has the last word
            target = targets.parse(each.target)
            word, until = WORDS[each.value], now + each.left(now_utc)
            if target.kind == "client":
                key = client_key(self._board, target.name)
                rules[key] = replace(rules.pop(key, Rule()), isolated_until=until, isolation=word)
            elif rows := self.places.rows(target):
                words |= {(SECTIONS[target.kind], row, each.kind): (word, until) for row in rows}
            else:
                waiting.add(each.id)
        self._number(incidents, words)
        self._write(words)
        room = self._board.header["clients"]        # for what people made, which comes last, there is always enough
        client_rules.write(self._board, dict(list(rules.items())[-room:]) if room else {})
        return frozenset(waiting)

    def _act(self, action: Action, until: int, words: dict[Place, Pair], rules: dict[int, Rule]) -> None:
        target = targets.parse(action.target) if action.kind is not ActionKind.ROLL_BACK else None
        if target is None:
            return                                  # a config is no word of the board: responding.py goes back to it
        if target.kind == "client":
            key = client_key(self._board, target.name)
            rules[key] = _rule(action, until, rules.get(key, Rule()))
            return
        pair, value = word_of(action)
        for row in self.places.rows(target):
            words[SECTIONS[target.kind], row, pair] = value, until

    def _number(self, incidents: Mapping[str, int], words: dict[Place, Pair]) -> None:
        """An isolation on account of an incident keeps the number of that one."""
        for text, number in incidents.items():
            for section, row in self._numbered(text):
                place = section, row, overrides.ISOLATION
                value, until = words.get(place, (0, 0))
                words[place] = value if value >> NUMBER else value | number << NUMBER, until

    def _numbered(self, target: str) -> Iterator[tuple[str, int]]:
        """Routes and upstreams: these are what refuses."""
        if target == GATEWAY:
            yield from ((SECTIONS[kind], row) for kind in ("route", "upstream")
                        for row in self.places.names(kind).values())
            return
        found = targets.parse(target)
        if found.kind == "endpoint":
            found = targets.Target("upstream", found.name.partition("/")[0])
        if found.kind != "client":
            yield from ((SECTIONS[found.kind], row) for row in self.places.rows(found))

    def _write(self, words: dict[Place, Pair]) -> None:
        held = self._written() if self._held is None else self._held
        for place, (value, until) in words.items():
            put(self._row(place), *PAIRS[place[2]], value, until)
        for place in held - words.keys():
            row, (word, end) = self._row(place), PAIRS[place[2]]
            row[end] = 0
            if place[2] == overrides.ISOLATION:
                row[word] = 0
        self._held = set(words)

    def _written(self) -> set[Place]:
        """Every place where there is a word, whoever wrote it."""
        places = ((section, row, kind) for of, section in SECTIONS.items() for row in self.places.names(of).values()
                  for kind in OURS_ALONE)
        return {place for place in places if any(self._row(place)[word] for word in PAIRS[place[2]])}

    def _row(self, place: Place) -> Row:
        return self._board.control(place[0], place[1])

    def __repr__(self) -> str:
        return f"<Actuator holds {self._held}>"


def word_of(action: Action) -> tuple[str, int]:
    """The pair of a route, upstream or endpoint that does it, and its value."""
    strength = action.strength
    match action.kind:
        case ActionKind.EJECT if strength:
            return WEIGHT, strength
        case ActionKind.BREAKER:
            return overrides.BREAKER, WORDS[overrides.OPEN]
        case ActionKind.CONCURRENCY:
            return CONCURRENCY, strength
        case ActionKind.SHED:
            return SHED, strength
        case _:                                     # nothing new goes there; what is under way may end
            return overrides.ISOLATION, action.incident << NUMBER | WORDS[overrides.KEEP_OPEN]


def _rule(action: Action, until: int, rule: Rule) -> Rule:
    if action.kind is ActionKind.CLAMP:
        return replace(rule, clamp_ns=action.strength, clamp_until=until, isolation=rule.isolation or
                       action.incident << NUMBER)
    return replace(rule, isolated_until=until, isolation=action.incident << NUMBER | WORDS[overrides.KEEP_OPEN])


def put(row: Row, field: str, until: str, value: int, until_ns: int) -> None:
    """Write a pair where it differs."""
    if row[field] != value:
        row[field] = value
    if abs(row[until] - until_ns) > SAME_NS:
        row[until] = until_ns


def client_key(board: Board, client: str) -> int:
    """What the data plane computes of a client's address, or of its `clients.key`: SipHash under the board's seed."""
    seed = int(board.header["seed0"]), int(board.header["seed1"])
    if client.startswith("#"):
        return int(client[1:], 16)
    if client.startswith("key:"):
        named = seed[0] ^ targets.NAMED_SEED, seed[1] ^ targets.NAMED_SEED
        return _limiter.hash_key(client.removeprefix("key:").encode(), named) or 1
    return _limiter.hash_key(targets.client_bytes(client), seed) or 1
