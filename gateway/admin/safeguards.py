"""The state of every safeguard, as the board has it now and the step rooms explain it.

A list, one item for each safeguard of each route, upstream and endpoint that the plan gives one to:

    {"target", "safeguard", "mode", "state", "acting", "observed", "threshold", "decision"}

`acting`: it holds requests back at this moment, or in shadow mode would. What is off is left out, unless a hand is on
it.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from gateway.board import Board, Row, endpoint_name, limit_name, windows
from gateway.isolate import breaker, bulkhead, ejection, health
from gateway.mitigate import limits, shedding
from gateway.model.quantities import format_duration
from gateway.model.safeguards import ENFORCE, OFF, SECOND, Concurrency, Explanation
from gateway.routing.plan import Limit, Plan, Route, Upstream

Item = dict[str, Any]
HANDS = {1: breaker.OPEN, 2: breaker.CLOSED}    # `_gates.Forced`
PHASES = ("closed", "open", "half-open")
BY_KEY = "by key"


def safeguards(board: Board, plan: Plan, now: int) -> list[Item]:
    """`now` is monotonic. What the plan has and the board does not know yet is left out."""
    state = _State(board, now)
    return [item for route in plan.routes for item in state.of_route(route)] + \
           [item for upstream in plan.upstreams for item in state.of_upstream(upstream)]


class _State:
    """One look at the board at one moment."""

    def __init__(self, board: Board, now: int) -> None:
        self._board = board
        self._now = now
        self._rows = {section: board.names(section) for section in ("routes", "upstreams", "endpoints", "limits")}

    def of_route(self, route: Route) -> Iterator[Item]:
        row, target = self._rows["routes"].get(route.name), f"route:{route.name}"
        if row is None:
            return
        control = self._board.control("routes", row)
        yield from self._isolation(target, control)
        yield from self._shedding(target, control)
        yield from (self._limit(target, route, limit) for limit in route.limits if limit.mode != OFF)
        yield from self._bulkhead(target, "routes", row, control, route.concurrency)

    def of_upstream(self, upstream: Upstream) -> Iterator[Item]:
        row, target = self._rows["upstreams"].get(upstream.name), f"upstream:{upstream.name}"
        if row is None:
            return
        control = self._board.control("upstreams", row)
        yield from self._isolation(target, control)
        yield from self._breaker(target, row, control, upstream)
        yield from self._bulkhead(target, "upstreams", row, control, upstream.concurrency)
        yield from self._endpoints(upstream)

    def _isolation(self, target: str, control: Row) -> Iterator[Item]:
        if control["isolated_until"] > self._now:
            left = _rounded(control["isolated_until"] - self._now)
            told = Explanation("isolation", "by a person or an incident", "none",
                               f"isolated for another {format_duration(left)}")
            yield _item(target, ENFORCE, "isolated", True, told)

    def _shedding(self, target: str, control: Row) -> Iterator[Item]:
        if control["shed_until"] > self._now:
            threshold = int(control["shed_rank"])
            told = Explanation("shedding", "by an action", "none", f"lets in {shedding.explain_threshold(threshold)}")
            yield _item(target, ENFORCE, "sheds", threshold < shedding.ALL, told)

    def _limit(self, target: str, route: Route, limit: Limit) -> Item:
        row = self._rows["limits"].get(limit_name(route.name, limit.name))
        if limit.key != "route" or row is None:
            rate = f"{limit.quota} per {limit.period_ns / SECOND:g} s, burst {limit.burst}"
            told = Explanation(f"limit {limit.name}", f"a count for each {limit.key}", rate, "told to each client")
            return _item(target, limit.mode, BY_KEY, False, told)
        arrival = self._board.limit(row)["arrival"]
        decision, left = (limits.decide(limit, arrival, self._now, cost) for cost in (1, 0))
        told = limits.explain(limit, dataclasses.replace(decision, remaining=left.remaining))
        return _item(target, limit.mode, "passes" if decision.allowed else "denies", not decision.allowed, told)

    def _bulkhead(self, target: str, section: str, row: int, control: Row, planned: Concurrency) -> Iterator[Item]:
        if planned.mode == OFF:
            return
        limit = control["concurrency"] if control["concurrency_until"] > self._now else planned.limit
        told = bulkhead.explain([self._board.in_flight(section, row)], Concurrency(limit, planned.adaptive))
        yield _item(target, planned.mode, told.decision, told.decision == "full", told)

    def _breaker(self, target: str, row: int, control: Row, upstream: Upstream) -> Iterator[Item]:
        state = breaker_state(control, self._now)
        if upstream.breaker.mode == OFF and state.forced is None:
            return
        since = max(state.since, self._now - upstream.breaker.window)
        seen = windows.tally(self._board, "upstreams", row, since, "fast")
        window = breaker.Window(seen.requests, seen.failures, seen.slow)
        told = breaker.explain(state, window, upstream.breaker, self._now)
        phase = breaker.phase_at(state, self._now)
        mode = upstream.breaker.mode if state.forced is None else ENFORCE
        yield _item(target, mode, PHASES[phase], phase != breaker.CLOSED, told) | {"forced": state.forced is not None}

    def _endpoints(self, upstream: Upstream) -> Iterator[Item]:
        named = {each.address: self._rows["endpoints"].get(endpoint_name(upstream.name, each.address))
                 for each in upstream.endpoints}
        rows = {address: row for address, row in named.items() if row is not None}
        controls = {address: self._board.control("endpoints", row) for address, row in rows.items()}
        out = [address for address, control in controls.items() if control["ejected_until"] > self._now]
        for address, row in rows.items():
            target, control = f"endpoint:{upstream.name}/{address}", controls[address]
            yield from self._isolation(target, control)
            if upstream.eject.mode != OFF:
                others = len(out) - (address in out)
                yield self._ejection(target, row, control, upstream, others, len(rows))
            if upstream.health.mode != OFF:
                checked = health.Checked(not control["unhealthy"], last="bad" if control["unhealthy"] else "good")
                told = health.explain(checked, upstream.health)
                yield _item(target, upstream.health.mode, told.decision, not checked.healthy, told)

    def _ejection(self, target: str, row: int, control: Row, upstream: Upstream, others: int, total: int) -> Item:
        params = upstream.eject
        since = max(control["returned_ns"], self._now - params.window)
        seen = windows.tally(self._board, "endpoints", row, since, "fast")
        state = ejection.Endpoint(control["ejections"], control["ejected_until"], control["returned_ns"])
        told = ejection.explain(state, ejection.Observed(control["consecutive"], seen.requests, seen.failures), others,
                                total, params, self._now)
        is_out = state.is_out(self._now)
        return _item(target, params.mode, "ejected" if is_out else "in", is_out, told)


def _rounded(left: int) -> int:
    """To whole minutes where there are some, else to seconds: what nobody reads need not be told each second."""
    unit = 60 * SECOND if left >= 120 * SECOND else SECOND
    return left // unit * unit


def breaker_state(control: Row, now: int) -> breaker.State:
    """The breaker of an upstream's Control, as the readable reference has it."""
    word = control["breaker"]
    forced = HANDS.get(control["forced"]) if control["forced_until"] > now else None
    return breaker.State(word & 3, word >> 2 & 0x3FFFFFFF, control["since_ns"], control["breaker_until"],
                         control["opens"], control["step"], forced, 0 if forced is None else control["forced_until"])


def _item(target: str, mode: str, state: str, acting: bool, told: Explanation) -> Item:
    return {"target": target, "safeguard": told.safeguard, "mode": mode, "state": state, "acting": acting,
            "observed": told.observed, "threshold": told.threshold, "decision": told.decision}
