"""Metrics of the safeguards: what they decided, and what is in force at this moment."""

from collections.abc import Callable, Iterable, Iterator

from gateway import _gates
from gateway.board import TARGETS, Board
from gateway.model.safeguards import OFF
from gateway.record.board_tables import Tables
from gateway.record.exposition import Family, Labels, counter, gauge, single
from gateway.routing.plan import Plan

DECISIONS = ("isolated", "limited", "shed", "saturated", "open")
SHADOWED = ("limited", "shed", "saturated", "open")
BREAKER = "0 closed, 1 open, 2 half-open, of itself; a hand on it is in gateway_breaker_forced."
FORCED = "0 by nobody, 1 held open, 2 held closed by hand."
LIMITER = {
    "claims": ("gateway_limiter_claims", "Client keys that were given a place in the table of rate limits."),
    "evicted_live": ("gateway_limiter_live_evictions", "Client keys displaced while they still counted: table full."),
    "cas_giveups": ("gateway_limiter_giveups", "Requests decided without a count, after too many lost races."),
}
UPSTREAM_COUNTERS = {
    "requests": ("gateway_upstream_tries", "Tries at the upstream whose outcome its breaker counts."),
    "failures": ("gateway_upstream_tries_failed", "Tries at the upstream that failed."),
    "slow": ("gateway_upstream_tries_slow", "Tries slower than the breaker's bound."),
    "retries": ("gateway_upstream_tries_repeated", "Tries that repeated a request, which the retry budget bounds."),
    "refused": ("gateway_upstream_refused", "Requests refused on account of the upstream."),
}
TICK = {
    "ticks": ("gateway_ticks", "Turns of the tick that folds counters into windows, every 0.1 seconds."),
    "torn": ("gateway_ticks_torn", "Turns that another worker took over."),
    "transitions": ("gateway_tick_transitions", "Changes of breakers and ejections."),
}


class SafeguardMetrics:
    """`plan`: what is served, for the bounds that only it has."""

    def __init__(self, board: Board, plan: Callable[[], Plan] | None = None) -> None:
        self._board = board
        self._plan = plan

    def collect(self, tables: Tables, now: int) -> Iterator[Family]:
        """`now` is monotonic, in nanoseconds."""
        yield _decisions(tables)
        yield from _upstreams(tables, now)
        yield from _endpoints(tables, now)
        yield _isolations(tables, now)
        yield gauge("gateway_in_flight", "Requests that hold a permit of the target.", ("target",), _held(tables))
        yield gauge("gateway_concurrency_limit", "The most requests in flight that the target may have, where bounded.",
                    ("target",), self._bounds(now))
        yield from self._limits(now)
        yield from self._tick(now)

    def _bounds(self, now: int) -> Iterator[tuple[Labels, int]]:
        if self._plan is None:
            return
        plan = self._plan()
        for section, targets in (("routes", plan.routes), ("upstreams", plan.upstreams)):
            rows = self._board.names(section)
            for target in targets:
                if target.name in rows and target.concurrency.mode != OFF:
                    control = self._board.control(section, rows[target.name])
                    held = control["concurrency_until"] > now
                    yield ((_target(section, (target.name,)),),
                           control["concurrency"] if held else target.concurrency.limit)

    def _limits(self, now: int) -> Iterator[Family]:
        workers = [self._board.limiter(worker) for worker in range(self._board.workers)]
        for field, (name, text) in LIMITER.items():
            yield counter(name, text, (), [((), sum(worker[field] for worker in workers))])
        header = self._board.header
        rules = [self._board.client_rule(row) for row in range(min(header["clients_used"], header["clients"]))]
        in_force = sum(max(rule["isolated_until"], rule["clamp_until"]) > now for rule in rules)
        yield single("gateway_client_rules", "Clients isolated or held to a lower rate.", in_force)
        yield counter("gateway_overrides_full", "Overrides by hand that found no place on the board.", (),
                      [((), header["overrides_full"])])

    def _tick(self, now: int) -> Iterator[Family]:
        tick = self._board.tick()
        for field, (name, text) in TICK.items():
            yield counter(name, text, (), [((), tick[field])])
        age = max(0, now - tick["last_ns"]) / 1e9 if tick["last_ns"] else 0.0
        text = "Seconds since the last whole turn; above 1 the windows stand still."
        yield single("gateway_tick_age_seconds", text, age)


def _decisions(tables: Tables) -> Family:
    samples = [((route, decision, mode), value)
               for mode, prefix, decisions in (("enforce", "", DECISIONS), ("shadow", "shadow_", SHADOWED))
               for decision in decisions for (route,), value in tables.counters["routes"].samples(prefix + decision)]
    return counter("gateway_decisions", "Requests that a safeguard held back, or in shadow mode would have.",
                   ("route", "decision", "mode"), samples)


def _upstreams(tables: Tables, now: int) -> Iterator[Family]:
    counters, controls, labels = tables.counters["upstreams"], tables.controls["upstreams"], ("upstream",)
    for field, (name, text) in UPSTREAM_COUNTERS.items():
        yield counter(name, text, labels, counters.samples(field))
    states = ((upstream, _gates.breaker(word)[0]) for upstream, word in controls.samples("breaker"))
    yield gauge("gateway_breaker_state", BREAKER, labels, states)
    forced = ((upstream, hand if is_held else 0) for (upstream, hand), (_, is_held)
              in zip(controls.samples("forced"), controls.until("forced_until", now), strict=True))
    yield gauge("gateway_breaker_forced", FORCED, labels, forced)
    yield gauge("gateway_breaker_opens_in_a_row", "How often the breaker opened, forgotten after a calm time.", labels,
                controls.samples("opens"))
    yield gauge("gateway_retry_tokens_spent", "Of the upstream's ten retry tokens; above 5 nothing is retried.", labels,
                ((name, spent / 1000) for name, spent in controls.samples("retry_spent")))
    yield gauge("gateway_upstream_panic", "1 while so many endpoints are out that all are used.", labels,
                controls.samples("panic"))


def _endpoints(tables: Tables, now: int) -> Iterator[Family]:
    controls, labels = tables.controls["endpoints"], ("upstream", "endpoint")
    yield gauge("gateway_endpoint_ejected", "1 while ejected for its failures.", labels,
                controls.until("ejected_until", now))
    yield gauge("gateway_endpoint_ejections_in_a_row", "Ejections that still lengthen the next one.", labels,
                controls.samples("ejections"))
    yield gauge("gateway_endpoint_unhealthy", "1 while health checks fail.", labels, controls.samples("unhealthy"))


def _isolations(tables: Tables, now: int) -> Family:
    samples = [((_target(section, name),), isolated) for section in TARGETS
               for name, isolated in tables.controls[section].until("isolated_until", now)]
    return gauge("gateway_isolated", "1 while isolated.", ("target",), samples)


def _held(tables: Tables) -> Iterator[tuple[Labels, int]]:
    for section in ("routes", "upstreams"):
        for name, held in zip(tables.counters[section].names, tables.in_flight[section], strict=True):
            yield (_target(section, name),), held


def _target(section: str, name: Iterable[str]) -> str:
    """A target as it is written on the command line."""
    return f"{section.removesuffix('s')}:{'/'.join(name)}"
