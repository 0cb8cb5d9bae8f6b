"""What an injection may be, and how it is told."""
import pytest

from gateway.model.injection import Injection, InjectionKind, check_ttl

SECOND = 10**9


def test_it_is_told_in_words() -> None:
    slow = Injection(InjectionKind.DELAY, route="orders", client="192.0.2.7", share=500_000, delay=2 * SECOND)
    assert str(slow) == "delay of 2s on 50% of route orders, client 192.0.2.7"
    assert str(Injection(InjectionKind.STATUS, upstream="api")) == "status 503 on 100% of upstream api"


@pytest.mark.parametrize(("wrong", "why"), [
    ({}, "say where"), ({"route": "a", "share": 0}, "share"), ({"route": "a", "delay": 61 * SECOND}, "delay"),
    ({"route": "a", "status": 200}, "status"), ({"route": "a", "rate": 0}, "rate"), ({"client": "ann"}, "address"),
])
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Injection(InjectionKind.STATUS, **wrong)  # type: ignore[arg-type]


def test_a_worker_is_kept_busy_for_a_moment_only() -> None:
    busy = Injection(InjectionKind.BUSY, upstream="api", delay=SECOND // 50)
    assert str(busy) == "busy for 20ms on 100% of upstream api"
    with pytest.raises(ValueError, match="100ms"):
        Injection(InjectionKind.BUSY, upstream="api", delay=SECOND)


def test_no_fault_may_stand_longer_than_ten_minutes() -> None:
    assert check_ttl(600 * SECOND) == 600 * SECOND
    with pytest.raises(ValueError, match="10m"):
        check_ttl(601 * SECOND)
