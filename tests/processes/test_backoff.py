"""A dead child comes back at once, then later and later while it dies young, and never in step with others."""
from hypothesis import given
from hypothesis import strategies as some

from gateway.processes.backoff import FIRST_NS, JITTER, LONGEST_NS, STEADY_NS, Backoff

MIDDLE = 0.5


def after(*lived: int) -> Backoff:
    backoff = Backoff()
    for ns in lived:
        backoff = backoff.after_death(ns)
    return backoff


def test_the_first_restart_is_immediate() -> None:
    assert after(0).delay_ns(MIDDLE) == 0


def test_each_early_death_doubles_the_wait() -> None:
    assert [after(*[0] * deaths).delay_ns(MIDDLE) for deaths in range(2, 6)] == [
        FIRST_NS, 2 * FIRST_NS, 4 * FIRST_NS, 8 * FIRST_NS,
    ]


def test_a_child_that_was_steady_starts_afresh() -> None:
    assert after(0, 0, 0, 0, STEADY_NS).delay_ns(MIDDLE) == 0
    assert after(0, 0, 0, 0, STEADY_NS - 1).delay_ns(MIDDLE) > 0


@given(deaths=some.integers(2, 10_000), chance=some.floats(0, 1, exclude_max=True))
def test_a_crash_loop_never_spins_and_never_waits_for_ever(deaths: int, chance: float) -> None:
    delay = Backoff(deaths).delay_ns(chance)
    assert FIRST_NS * (1 - JITTER) <= delay <= LONGEST_NS * (1 + JITTER)
