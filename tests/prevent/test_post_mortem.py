"""The record that is drafted: everything that is known is in it, and only what is known."""
import json

import pytest
from prevent import cases
from prevent.cases import ONSET

from gateway.model.fault import FaultClass
from gateway.prevent import impact, post_mortem
from gateway.prevent.case import SECOND, Case, Series

NOW = (ONSET + 165) * SECOND


def test_the_record_says_when_what_happened() -> None:
    record = post_mortem.draft(cases.case(), NOW)
    assert record["times"] == {
        "onset": "2023-11-14T22:13:20Z", "detected": "2023-11-14T22:13:40Z", "alerted": "2023-11-14T22:13:42Z",
        "acknowledged": "2023-11-14T22:14:10Z", "quiet": "2023-11-14T22:15:00Z", "isolated": None,
        "mitigated": "2023-11-14T22:14:00Z", "analysed": "2023-11-14T22:13:46Z", "resolved": "2023-11-14T22:16:00Z",
        "reviewed": None}
    assert record["derived"] == {"to_detect": 20.0, "to_alert": 22.0, "to_acknowledge": 50.0, "to_isolate": None,
                                 "to_mitigate": 40.0, "to_analyse": 26.0, "to_resolve": 160.0}


def test_the_impact_is_what_was_counted_from_the_onset_to_the_end() -> None:
    found = impact.impact(cases.case())
    assert (found["requests"], found["failed"], found["seconds"]) == (1100, 800, 100)
    assert (found["clients_failed"], found["clients_seen"], found["fallback"]) == (31, 64, 12)
    assert found["budgets"] == [{"route": "orders", "success": 0.999, "failed": 800, "allowed_in_30_days": 1000.0,
                                 "used": 0.8}]
    assert impact.words(found) == ("800 of 1100 requests failed (72.7%) in 100 s; 31 of 64 clients noticed; 80.0% of "
                                   "the month's error budget of orders")


def test_detection_cause_trigger_and_actions_are_named_with_their_evidence() -> None:
    record = post_mortem.draft(cases.case(), NOW)
    assert record["detection"]["detector"] == "errors"
    assert record["detection"]["source"] == "anomaly"
    assert record["root_causes"] == [{
        "kind": "misconfiguration", "text": "revision = 4 holds the failures; revision 4 was applied, 2 s before onset",
        "evidence": ["a config was applied 2 s before the onset",
                     "revision = 4: 97% of the excess (810 requests)"]}]
    assert record["trigger"]["words"] == "revision 4 was applied, 2 s before onset"
    assert [(each["kind"], each["helped"]) for each in record["actions"]] == [("open breaker", False),
                                                                              ("roll back", True)]
    assert record["contributing"] == ["open breaker upstream:orders was tried for it and did not help: 17 of 20 "
                                      "before, 20 of 20 after"]
    assert record["config"]["diff"] == "-port 9001\n+port 9002"


def test_an_incident_of_which_nothing_is_known_still_has_a_record() -> None:
    bare = Case(cases.incident(FaultClass.UNKNOWN))
    record = post_mortem.draft(bare, NOW)
    assert record["impact"]["clients_failed"] is None
    assert record["impact"]["requests"] == 0
    assert record["config"] is None
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize("fault", FaultClass)
def test_every_kind_of_fault_has_a_word_for_its_cause(fault: FaultClass) -> None:
    assert post_mortem.draft(cases.case(fault), NOW)["root_causes"][0]["kind"]


def test_a_week_becomes_as_many_points_as_a_chart_holds() -> None:
    ticks = 60_480
    long = Series("route:orders", ONSET, 10, (5,) * ticks, (1,) * ticks, (0,) * ticks, (None,) * (ticks - 1) + (7.0,))
    points = post_mortem._points(long)
    assert len(points["requests"]) == 240
    assert sum(points["requests"]) == 5 * ticks
    assert points["step"] == 2520
    assert points["p99_ms"][-1] == 7.0


def test_a_series_is_cut_at_whole_ticks() -> None:
    whole = cases.series()
    cut = whole.between(ONSET, ONSET + 25)
    assert (cut.first, len(cut.requests)) == (ONSET, 3)
    assert whole.between(ONSET - 5000, ONSET - 4000).requests == ()
