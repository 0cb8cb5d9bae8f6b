"""What was seen of a drill, held against its scenario."""
from gateway.prevent.drill import judge
from gateway.prevent.settings import ExpectSettings

EXPECT = ExpectSettings.model_validate({"detect": "10s", "isolate": "15s", "recover": "60s", "fault": "client surge"})


def passed(**seconds: float | None) -> bool:
    return judge(EXPECT, {"detect": 2.0, "isolate": 3.0, "recover": 50.0, **seconds}, "client surge").passed


def test_what_comes_in_time_is_passed() -> None:
    assert passed()
    assert passed(detect=10.0)


def test_what_comes_late_or_never_is_not() -> None:
    assert not passed(detect=10.1)
    assert not passed(recover=None)


def test_what_nobody_asks_for_judges_nothing() -> None:
    assert passed(mitigate=None)
    assert passed(mitigate=900.0)


def test_relief_at_once_has_contained_it_too() -> None:
    assert passed(isolate=None, mitigate=14.0)
    assert not passed(isolate=None, mitigate=16.0)


def test_another_kind_of_fault_than_expected_fails_it() -> None:
    assert not judge(EXPECT, {"detect": 1.0, "isolate": 1.0, "recover": 1.0}, "code defect").passed


def test_a_clock_that_rounds_down_is_no_negative_time() -> None:
    first = judge(EXPECT, {"detect": -0.4}, "").checks[0]
    assert (first.step, first.took, first.limit) == ("detect", 0.0, 10.0)
