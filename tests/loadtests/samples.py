"""Builders of measured rounds, in microseconds of CPU per request."""

from loadtests import scenarios, site
from loadtests.accounting import CpuTime
from loadtests.lineup import Sample
from loadtests.rounds import Measured


def sample(cpu_us: float, *, rate: float = 60_000, others_us: float = 0, others: float = 0.01) -> Sample:
    """A quarter of the CPU in user space; `others_us`: what the proxy's other processes spent."""
    traffic = CpuTime(cpu_us / 4e6, cpu_us * 3 / 4e6)
    return Sample(traffic, traffic + CpuTime(others_us / 1e6), rate, p50_us=1000, p99_us=2000, requests=100_000,
                  others=others)


def measured(scenario: str = "small", **rounds: list[float]) -> Measured:
    cores = site.divide_cores({0, 1}, scenarios.SCENARIOS[scenario].workers)
    return Measured(scenarios.SCENARIOS[scenario], cores,
                    {label: [sample(cpu_us) for cpu_us in costs] for label, costs in rounds.items()},
                    versions=dict.fromkeys(rounds, "1.0"))
