"""The comparison: per scenario, all proxies side by side, loaded in turn, round after round.

A ratio is taken within a round, between neighbours in time, and the median of the rounds' ratios is the result:
a machine that is slower for a minute moves both figures of a ratio, and one bad round moves no median.
The order rotates from round to round, so that nobody always follows the heaviest.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests import lineup, readiness, site, upstream
from loadtests.lineup import Contestant, Sample
from loadtests.peers import Peer
from loadtests.scenarios import Scenario

WARM_UP = 1.0  # seconds per proxy: connections to the upstream opened, caches warm, the CPU awake


@dataclass(frozen=True, slots=True)
class Measured:
    """One scenario's samples, a list of rounds per proxy label, in the order of the line-up; ciphers when over TLS."""

    scenario: Scenario
    cores: site.Cores
    rounds: dict[str, list[Sample]]
    versions: dict[str, str]
    ciphers: dict[str, str] = dataclasses.field(default_factory=dict)


def run_scenario(scenario: Scenario, peers: Sequence[Peer], where: site.Site, *, rounds: int, seconds: float,
                 say: Callable[[str], None]) -> Measured:
    cores = site.divide_cores(site.available_cores(), scenario.workers)
    with (upstream.running(where, cores=cores.load, workers=scenario.workers) as behind,
          lineup.started(peers, scenario, behind.ports, where, cores) as contestants):
        measured = Measured(scenario, cores, {each.label: [] for each in contestants},
                            {each.label: each.version for each in contestants}, _ciphers(contestants))
        for each in contestants:
            lineup.measure(each, lineup.load_on(each, scenario, WARM_UP))
        for number in range(rounds):
            for each in _rotated(contestants, number):
                sample = lineup.measure(each, lineup.load_on(each, scenario, seconds))
                measured.rounds[each.label].append(sample)
                say(f"{scenario.name} round {number + 1}/{rounds} {each.label}: "
                    f"{sample.traffic.total * 1e6:.2f} µs, {sample.rate:,.0f} requests/s")
        for each in contestants:
            readiness.check(each.port, scenario, each.tls)
    return measured


def _rotated(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    start = number % len(contestants)
    return [*contestants[start:], *contestants[:start]]


def _ciphers(contestants: Sequence[Contestant]) -> dict[str, str]:
    return {each.label: readiness.cipher(each.port) for each in contestants if each.tls}
