"""What would a new plan have decided differently? Recorded requests through the production code of both plans.

Decided are the route and its limits, on the clock of the record, which begins with empty buckets. What a record does
not hold cannot be decided, and is counted instead of guessed: a route that matches a header, a limit that counts by a
header or cookie, or by clients as `clients.key` knows them and the record does not, a host that the log does not name.
Concurrency, breakers, shedding, isolation and the sizes of bodies depend on the moment, not on the request: they are no
part of a replay.

Policy: a plan that newly denies more than 0.1 % of all requests, or more than 5 % of those of one of the 50 busiest
clients, needs a person's approval (algorithms.md 7.2).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.board.capacity import CLIENT_LINES
from gateway.config._replay import Decider, Tally
from gateway.config._requests import Clients, Requests
from gateway.config.recorded import Told, recorded
from gateway.model.safeguards import SECOND
from gateway.routing.plan import Plan

NEWLY_DENIED = 0.001
NEWLY_DENIED_OF_CLIENT = 0.05
TOP_CLIENTS = 50
BLOCK = 8 << 20
LINE_MOST = 1 << 20
WAYS = 4
ADDRESS = "ip"
SEED = (0x7265706C6179, 0x67617465776179)  # any: no client chooses what is replayed to harm it


@dataclass(frozen=True, slots=True)
class Outcome:
    """`decision`: no route | wrong method | passes | denied | denied in shadow; `limit`: which one denied."""

    route: str
    decision: str
    limit: str = ""

    def __str__(self) -> str:
        by = f" by limit {self.limit}" if self.limit else ""
        return f"{self.route}: {self.decision}{by}" if self.route else self.decision


@dataclass(frozen=True, slots=True)
class Change:
    old: Outcome
    new: Outcome
    requests: int


@dataclass(frozen=True, slots=True)
class ClientShare:
    name: str
    requests: int
    newly_denied: int

    @property
    def share(self) -> float:
        return self.newly_denied / self.requests


@dataclass(frozen=True, slots=True)
class Report:
    """`late`: requests from before the clock, decided at the clock; `evicted`: clients that a full table forgot;
    `imputed`, `unkept`, `torn`: what a recording did not hold (recorded.Told)."""

    requests: int
    unread: int
    undecided: int
    late: int
    evicted: int
    seconds: float
    denied_before: int
    denied_now: int
    newly_denied: int
    newly_passed: int
    changes: tuple[Change, ...]
    clients: tuple[ClientShare, ...]
    imputed: int = 0
    unkept: int = 0
    torn: int = 0

    def objections(self) -> tuple[str, ...]:
        """Why a person has to approve the plan; none: it may be applied."""
        found = []
        decided = self.requests - self.undecided
        if decided == 0:
            found.append("nothing could be decided, so nothing is shown")
        elif self.newly_denied > NEWLY_DENIED * decided:
            found.append(f"{self.newly_denied} of {decided} requests ({self.newly_denied / decided:.2%}) newly denied, "
                         f"more than {NEWLY_DENIED:.1%}")
        found += [f"client {each.name}: {each.newly_denied} of {each.requests} requests ({each.share:.1%}) newly "
                  f"denied, more than {NEWLY_DENIED_OF_CLIENT:.0%}"
                  for each in self.clients if each.share > NEWLY_DENIED_OF_CLIENT]
        return tuple(found)


def replay_log(old: Plan, new: Plan, path: Path, host: str = "", since_ns: int = 0,
               progress: Callable[[int], object] = lambda size: None) -> Report:
    """An access log in the combined format. `progress` is told the bytes of each block that was read.

    Raises OSError where it cannot be read, ValueError on a line of more than 1 MiB.
    """
    clients = Clients(SEED)
    tally, deciders, unread = _tally(old, new, ADDRESS)
    for block in blocks(path):
        requests = Requests(clients)
        requests.read_lines(block, host.encode(), since_ns)
        tally.add(requests)
        unread += requests.unread
        progress(len(block))
    return _report(tally, deciders, clients, unread)


def replay_recording(old: Plan, new: Plan, source: Path, since_ns: int = 0,
                     progress: Callable[[int], object] = lambda size: None) -> Report:
    """Flight records: a folder of segments, or one file. `progress` is told the bytes of each file that was read.

    Raises OSError where they cannot be read, ValueError where there are none.
    """
    clients, told = Clients(SEED), Told()
    tally, deciders, unread = _tally(old, new, old.client_key)
    for requests in recorded(source, clients, told, since_ns, progress):
        tally.add(requests)
        unread += requests.unread
    return _report(tally, deciders, clients, unread, told)


def _tally(old: Plan, new: Plan, recorded_by: str) -> tuple[Tally, tuple[Decider, Decider], int]:
    """`recorded_by`: the `clients.key` by which the requests tell one client from another."""
    before, after = (Decider(each.routes, CLIENT_LINES * WAYS, each.client_key == recorded_by) for each in (old, new))
    return Tally(before, after), (before, after), 0


def blocks(path: Path) -> Iterator[bytes]:
    """The file in pieces of whole lines."""
    rest = b""
    with path.open("rb") as log:
        while read := log.read(BLOCK):
            whole, newline, left = read.rpartition(b"\n")
            if newline:
                yield rest + whole + newline
                rest = left
            else:
                rest += left
            if len(rest) > LINE_MOST:
                raise ValueError(f"{path}: a line of more than {LINE_MOST} bytes is no access log")
    if rest:
        yield rest


def _report(tally: Tally, deciders: tuple[Decider, Decider], clients: Clients, unread: int,
            told: Told | None = None) -> Report:
    old, new = ([Outcome(*each) for each in decider.outcomes] for decider in deciders)
    changes = tuple(Change(old[pair[0]], new[pair[1]], count)
                    for pair, count in sorted(tally.changes.items(), key=lambda item: -item[1]))
    kinds: Counter[tuple[bool, bool]] = Counter()
    for each in changes:
        kinds[denies(each.old), denies(each.new)] += each.requests
    told = told or Told()
    top = sorted(tally.of_clients(), reverse=True)[:TOP_CLIENTS]
    return Report(
        tally.requests, unread, tally.undecided, tally.late, sum(each.evicted_live for each in deciders),
        (tally.last_ns - tally.first_ns) / SECOND, tally.denied_before, tally.denied_now,
        kinds[False, True], kinds[True, False], changes,
        tuple(ClientShare(clients.names[number], seen, newly) for seen, newly, number in top),
        told.imputed, told.unkept, told.torn)


def denies(outcome: Outcome) -> bool:
    return outcome.decision in ("denied", "no route", "wrong method")


def by_safeguard(report: Report) -> list[tuple[str, str, int]]:
    """(route, limit or "", requests) newly denied, the most first."""
    found: Counter[tuple[str, str]] = Counter()
    for each in report.changes:
        if denies(each.new) and not denies(each.old):
            found[each.new.route or each.new.decision, each.new.limit] += each.requests
    return [(*what, count) for what, count in found.most_common()]
