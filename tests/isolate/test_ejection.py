"""Endpoints go out for what requests met there, never too many at once, and come back slowly."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.isolate import ejection
from gateway.isolate.ejection import Endpoint, Observed
from gateway.model.safeguards import SECOND, WHOLE, Eject

PARAMS = Eject()
DEAD = Observed(consecutive=5)
FINE = Observed(requests=100)


def look(endpoint: Endpoint, seen: Observed, at: float = 0, others_out: int = 0, total: int = 3) -> Endpoint:
    return ejection.step(endpoint, seen, others_out, total, PARAMS, int(at * SECOND), jitter=0)


def test_five_failures_in_a_row_take_it_out_for_thirty_seconds():
    assert look(Endpoint(), Observed(consecutive=4)) == Endpoint()
    out = look(Endpoint(), DEAD, at=10)
    assert out.is_out(39 * SECOND)
    assert not out.is_out(40 * SECOND)


def test_every_second_request_failing_takes_it_out_too():
    assert look(Endpoint(), Observed(1, requests=19, failures=19)) == Endpoint()
    assert look(Endpoint(), Observed(1, requests=20, failures=10)).times == 1


def test_each_time_lasts_longer_up_to_five_minutes():
    lengths = [ejection.duration(times, PARAMS, jitter=0) // SECOND for times in (1, 2, 10, 11, 100)]
    assert lengths == [30, 60, 300, 300, 300]


def test_jitter_moves_the_end_by_a_tenth():
    assert ejection.duration(1, PARAMS, -1) == 27 * SECOND
    assert ejection.duration(1, PARAMS, 1) == 33 * SECOND


def test_good_health_makes_it_forget():
    out = look(Endpoint(times=2), DEAD, at=0)
    assert (out.times, out.until) == (3, 90 * SECOND)
    assert ejection.times_left(out, PARAMS, 119 * SECOND) == 3
    assert ejection.times_left(out, PARAMS, 120 * SECOND) == 2
    assert ejection.times_left(out, PARAMS, 10_000 * SECOND) == 0


def test_an_endpoint_alone_is_never_ejected():
    assert look(Endpoint(), DEAD, total=1) == Endpoint()


def test_one_of_two_may_always_be_out_but_not_both():
    assert look(Endpoint(), DEAD, total=2).times == 1
    assert look(Endpoint(), DEAD, total=2, others_out=1) == Endpoint()


def test_with_few_left_ejections_are_ignored():
    out, well = Endpoint(until=10), Endpoint()
    assert ejection.usable([out, well, well], now=5) == [1, 2]
    assert ejection.usable([out, well], now=5) == [1]
    assert ejection.usable([out, out, well], now=5) == [0, 1, 2]


def test_who_returns_starts_slowly():
    back = Endpoint(times=1, until=100 * SECOND)
    shares = [ejection.weight_share(back, PARAMS, (100 + passed) * SECOND) // 10_000 for passed in (0, 1, 5, 10, 60)]
    assert shares == [10, 10, 50, 100, 100]
    assert ejection.weight_share(Endpoint(), PARAMS, 0) == WHOLE


def test_it_explains_itself():
    told = ejection.explain(Endpoint(), DEAD, 1, 2, PARAMS, 0)
    assert str(told) == ("ejection: 5 failures in a row, 0 of 0 in the window; threshold 5 in a row, or 50 % of at "
                         "least 20 in 10 s; in, as 1 of 2 are out already and at most 1 may be")
    assert ejection.explain(Endpoint(), DEAD, 0, 2, PARAMS, 0).decision == "to be ejected"
    assert ejection.explain(Endpoint(), FINE, 0, 2, PARAMS, 0).decision == "in"
    assert ejection.explain(look(Endpoint(), DEAD), DEAD, 0, 2, PARAMS, SECOND).decision == "ejected for another 29 s"


results = st.builds(Observed, st.integers(0, 10), st.integers(0, 60), st.integers(0, 60))


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), results, st.integers(0, 20 * SECOND))),
       st.integers(0, WHOLE), st.floats(-1, 1))
def test_never_more_are_out_than_may_be(total, story, at_most, jitter):
    params = Eject(at_most=at_most)
    endpoints, now = [Endpoint()] * total, 0
    for index, seen, passed in story:
        now += passed
        index %= total
        others = sum(each.is_out(now) for at, each in enumerate(endpoints) if at != index)
        endpoints[index] = ejection.step(endpoints[index], seen, others, total, params, now, jitter)
        out = sum(each.is_out(now) for each in endpoints)
        assert out <= ejection.most_out(total, params) <= max(0 if total == 1 else 1, total * at_most // WHOLE)
        assert ejection.usable(endpoints, now)
