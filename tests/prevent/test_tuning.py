"""What a replay under several budgets says, and what is suggested from it."""
from gateway.prevent import tuning
from gateway.prevent.tuning import Alarm, Labelled, Setting

NOW = Labelled(7, frozenset({"list"}), 10_000.0, 10_600.0)
EARLIER = Labelled(3, frozenset({"list", "create"}), 1_000.0, 1_300.0)


def rows(days: float = 20.0, **settings: list[tuple[str, float]]) -> list[tuning.Row]:
    made = [Setting(int(name.removeprefix("b")), tuple(Alarm(*each) for each in alarms))
            for name, alarms in settings.items()]
    return tuning.rows(made, [EARLIER, NOW], 7, days)


def test_an_alarm_within_an_incident_of_its_route_catches_it_and_any_other_is_false() -> None:
    found = rows(b1=[("list", 10_045.0), ("create", 10_050.0), ("create", 1_010.0), ("list", 50_000.0),
                     ("list", 10_600.0 + 1_800.0)])[0]
    assert found.delay == 45.0
    assert found.caught == {3, 7}
    assert found.false == (10_050.0, 50_000.0)


def test_the_smallest_budget_that_is_quicker_and_loses_nothing_is_suggested() -> None:
    found = rows(b1=[("list", 10_100.0), ("list", 1_050.0)], b5=[("list", 10_060.0), ("list", 1_050.0)],
                 b30=[("list", 10_030.0), ("list", 1_020.0)])
    chosen = tuning.suggestion(found, 1)
    assert chosen is not None
    assert chosen.budget == 5


def test_a_budget_that_loses_an_incident_of_the_past_is_not_suggested() -> None:
    found = rows(b1=[("list", 10_100.0), ("list", 1_050.0)], b5=[("list", 10_030.0)])
    assert tuning.suggestion(found, 1) is None


def test_a_budget_that_would_have_had_more_false_alarms_than_it_allows_is_not_suggested() -> None:
    alarms = [("list", 20_000.0 + 10_000 * index) for index in range(4)]
    assert tuning.suggestion(rows(b1=[("list", 10_100.0)], b5=[("list", 10_030.0), *alarms]), 1) is None


def test_what_was_not_seen_at_all_is_slower_than_anything() -> None:
    chosen = tuning.suggestion(rows(b1=[], b2=[("list", 10_300.0)]), 1)
    assert chosen is not None
    assert chosen.budget == 2


def test_nothing_is_suggested_for_a_gain_of_a_tick_or_from_no_clean_days() -> None:
    assert tuning.suggestion(rows(b1=[("list", 10_050.0)], b2=[("list", 10_045.0)]), 1) is None
    assert tuning.suggestion(rows(days=0.0, b1=[("list", 10_050.0)], b2=[("list", 10_010.0)]), 1) is None


def test_what_would_have_fired_comes_with_the_honest_bound() -> None:
    found = rows(b1=[("list", 10_100.0)], b5=[("list", 10_030.0)])
    assert list(tuning.would_have_fired(found, 60.0)) == [
        ("anomalies, 5 false alarms a month", 30.0,
         "0 a month: 0 in 20 route-days, at most 4.5 a month with 95 % confidence")]


def test_the_proof_says_when_it_is_fitted_to_one_incident() -> None:
    found = rows(b1=[("list", 10_100.0)], b5=[("list", 10_030.0)])
    said = list(tuning.proof(found, found[1], 1, 1))
    assert said[0].startswith("budget 1 (now): seen after 100 s; 1 of 1 incidents")
    assert said[1].startswith("budget 5 (proposed): seen after 30 s")
    assert "fitted to this one incident" in said[2]
