"""What comes and goes has to stay away longer each time."""
import dataclasses

from gateway.detect import flapping
from gateway.model import incident as incidents
from gateway.model.incident import Event, Incident
from gateway.model.safeguards import SECOND
from gateway.model.signal import Signal, SignalKind


def quiet(relapses: int = 0) -> Incident:
    first = incidents.opened((Signal(SignalKind.ERRORS, "route:a", 0, 0),), 0)
    return dataclasses.replace(incidents.with_signals(first, (), SECOND), relapses=relapses)


def test_a_minute_of_silence_ends_the_first_time():
    assert not flapping.is_over(quiet(), 60 * SECOND)
    assert flapping.is_over(quiet(), 61 * SECOND)


def test_each_relapse_doubles_it_up_to_an_hour():
    assert [flapping.calm_needed(quiet(times)) // SECOND for times in (0, 1, 3, 99)] == [60, 120, 480, 3600]


def test_the_config_says_how_long_the_first_silence_is():
    assert flapping.is_over(quiet(), 7 * SECOND, base=6 * SECOND)
    assert flapping.calm_needed(quiet(1), base=6 * SECOND) == 12 * SECOND


def test_what_still_signals_is_not_over():
    assert not flapping.is_over(dataclasses.replace(quiet(), quiet_since_ns=0), 10**18)


def test_the_same_trouble_within_an_hour_is_the_same_incident():
    resolved = incidents.apply(quiet(), Event.OVER, 100 * SECOND)
    assert flapping.may_relapse(resolved, 200 * SECOND)
    assert not flapping.may_relapse(resolved, 200 * SECOND + flapping.RELAPSE_WITHIN_NS)
    assert not flapping.may_relapse(dataclasses.replace(resolved, merged_into=3), 200 * SECOND)
    assert not flapping.may_relapse(quiet(), SECOND)
