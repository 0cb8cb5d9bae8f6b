"""From samples to figures: median and spread per proxy, ratios within each round, and the marks to meet. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.lineup import Sample
from loadtests.rounds import Measured

REFERENCES = ("nginx", "envoy")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, smallest and largest of the rounds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """CPU in µs per request, rate in requests/s, latencies in ms. `ratios`: CPU in terms of the named reference's."""

    label: str
    of: str
    cpu: Spread
    user: Spread
    system: Spread
    rate: Spread
    p50: Spread
    p99: Spread
    ratios: dict[str, Spread]


@dataclass(frozen=True, slots=True)
class Mark:
    """In `scenario`, the gateway's traffic process should cost at most `limit` times the cheapest of `peers`."""

    scenario: str
    peers: tuple[str, ...]
    limit: float


MARKS = (
    Mark("small", ("nginx",), 0.92),
    Mark("small", ("envoy",), 0.25),
    Mark("body-64k", ("nginx", "haproxy"), 1.05),
    Mark("body-1m", ("nginx", "haproxy"), 1.05),
    Mark("tls", ("nginx",), 1.15),
)


def spread(values: Iterable[float]) -> Spread:
    """Raises statistics.StatisticsError when there are none."""
    ordered = sorted(values)
    return Spread(statistics.median(ordered), ordered[0], ordered[-1])


def ratio(rounds: Sequence[float], reference: Sequence[float]) -> Spread:
    """Of the ratios taken within each round. Raises ValueError when the two had different numbers of rounds."""
    return spread(own / other for own, other in zip(rounds, reference, strict=True))


def difference(rounds: Sequence[float], reference: Sequence[float]) -> Spread:
    """Of the differences taken within each round. Raises ValueError when the two had different numbers of rounds."""
    return spread(own - other for own, other in zip(rounds, reference, strict=True))


def costs(measured: Measured, label: str) -> list[float]:
    """CPU µs of the traffic process per request, round by round."""
    return _costs(measured.rounds[label], "traffic")


def rows(measured: Measured) -> list[Row]:
    """Two per proxy: its traffic process, then all its processes."""
    return [_row(measured, label, of) for label in measured.rounds for of in ("traffic", "everything")]


def verdicts(measured: Measured) -> list[str]:
    """One line per mark of this scenario whose proxies all ran."""
    return [_verdict(measured, mark) for mark in MARKS
            if mark.scenario == measured.scenario.name and {"gateway", *mark.peers} <= measured.rounds.keys()]


def _row(measured: Measured, label: str, of: str) -> Row:
    samples = measured.rounds[label]
    costs = _costs(samples, of)
    return Row(
        label, of,
        cpu=spread(costs),
        user=spread(getattr(sample, of).user * 1e6 for sample in samples),
        system=spread(getattr(sample, of).system * 1e6 for sample in samples),
        rate=spread(sample.rate for sample in samples),
        p50=spread(sample.p50_us / 1e3 for sample in samples),
        p99=spread(sample.p99_us / 1e3 for sample in samples),
        ratios={name: ratio(costs, _costs(measured.rounds[name], of))
                for name in REFERENCES if name in measured.rounds})


def _verdict(measured: Measured, mark: Mark) -> str:
    own = _costs(measured.rounds["gateway"], "traffic")
    others = [_costs(measured.rounds[name], "traffic") for name in mark.peers]
    seen = ratio(own, [min(costs) for costs in zip(*others, strict=True)])
    against = " and ".join(mark.peers)
    better = "the better of " if len(mark.peers) > 1 else ""
    met = "met" if seen.median <= mark.limit else "MISSED"
    return f"{mark.scenario}: gateway costs {seen.median:.3f} x {better}{against}, mark {mark.limit}: {met}"


def _costs(samples: Sequence[Sample], of: str) -> list[float]:
    """CPU µs per request, round by round."""
    return [getattr(sample, of).total * 1e6 for sample in samples]
