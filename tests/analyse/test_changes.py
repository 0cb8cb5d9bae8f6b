"""What was changed, held against an onset."""
import dataclasses

import pytest

from gateway.analyse.attribution import attribute
from gateway.analyse.changes import Suspect, suspects
from gateway.analyse.table import Table, table
from gateway.model.change import Change, ChangeKind

SECOND = 1_000_000_000
ONSET = 1_000_000 * SECOND


def traffic(failing: str) -> Table:
    """Two endpoints, 300 requests each now and before; half of those to `failing` fail now."""
    rows = [{"endpoint": endpoint, "revision": "7"} for endpoint in ("9001", "9002") for _ in range(300)]
    bad = [float(row["endpoint"] == failing and index % 2 == 0) for index, row in enumerate(rows)]
    return table(("endpoint", "revision"), rows, rows, bad=[*bad, *([0.0] * len(rows))])


def change(kind: ChangeKind, seconds_before: float, **scope: str) -> Change:
    return Change(kind, ONSET - int(seconds_before * SECOND), f"a {kind} change", tuple(scope.items()), str(kind))


def judge(*changes: Change, failing: str = "9002", **e_values: float) -> list[Suspect]:
    made = traffic(failing)
    return suspects(changes, ONSET, made, attribute(made), e_values)


def test_the_change_in_the_same_place_shortly_before_comes_first() -> None:
    there = change(ChangeKind.VERSION, 12, endpoint="9002")
    everywhere = change(ChangeKind.CONFIG, 12)
    first, second = judge(everywhere, there)
    assert (first.change, second.change) == (there, everywhere)
    assert first.overlap == 1.0
    assert second.overlap == pytest.approx(0.5)
    assert str(first) == "a version change, 12 s before onset"
    for seconds in (0.2, -0.2, -12.0):
        assert str(dataclasses.replace(first, seconds_before=seconds)) == "a version change, at the onset"


def test_where_a_reflex_was_so_quick_that_hardly_a_request_failed_its_upstream_is_the_affected_place() -> None:
    rows = [{"upstream": upstream} for upstream in ("orders", "users") for _ in range(300)]
    made = table(("upstream",), rows, rows, bad=[0.0] * 2 * len(rows))
    there, elsewhere = (change(ChangeKind.CONFIG, 5, upstream=each) for each in ("orders", "users"))
    told = suspects((elsewhere, there), ONSET, made, attribute(made), taken_out=("orders",))
    assert [(each.change, each.veto, each.covers) for each in told] == [(there, "", 1.0), (elsewhere, "", 0.0)]
    assert {each.veto for each in suspects((there,), ONSET, made, attribute(made))} == {
        "what it did not touch fails as much"}


def test_of_two_alike_the_later_one() -> None:
    old, fresh = change(ChangeKind.CONFIG, 900), change(ChangeKind.CONFIG, 20)
    assert [each.change for each in judge(old, fresh)] == [fresh, old]


def test_a_deploy_is_suspected_for_longer_than_a_config() -> None:
    assert judge(change(ChangeKind.CONFIG, 1200), change(ChangeKind.DEPLOY, 1200))[0].change.kind is ChangeKind.DEPLOY


def test_what_came_after_the_onset_is_not_its_cause() -> None:
    late = judge(change(ChangeKind.CONFIG, -40))[0]
    assert late.score == 0.0
    assert str(late) == "not a config change: it came 40 s after the onset"
    assert judge(change(ChangeKind.CONFIG, -20))[0].score > 0, "an onset is found by looking back"


def test_a_change_elsewhere_is_vetoed_by_what_it_did_not_touch() -> None:
    elsewhere = judge(change(ChangeKind.VERSION, 12, endpoint="9001"))[0]
    assert elsewhere.veto == "what it did not touch fails as much"
    assert judge(change(ChangeKind.VERSION, 12, endpoint="9009"))[0].score == 0.0


def test_old_and_new_side_by_side_are_proof() -> None:
    plain, proven = change(ChangeKind.DEPLOY, 60), change(ChangeKind.CONFIG, 60)
    assert judge(plain, proven, config=100.0)[0].change is proven
