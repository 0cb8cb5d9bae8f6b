"""The sequence of a change, driven by what the board would show; no process, no clock."""
import dataclasses

from gateway.config.apply import FOLLOW_NS, PREPARE_NS, Change, Phase, Seen, begin, established, look, needs_restart
from gateway.routing import plan as plans

NOW = 10**12


def worker(slot: int, *, prepared: int = 0, unfit: int = 0, serves: int = 6, ready: bool = True) -> Seen:
    return Seen(slot, ready, prepared, unfit, serves)


def prepared() -> Change:
    return look(begin(7, NOW), [worker(0, prepared=7)], NOW)


def test_it_waits_until_every_ready_worker_has_prepared() -> None:
    change = begin(7, NOW)
    assert look(change, [worker(0, prepared=7), worker(1)], NOW) == change
    assert look(change, [worker(0, prepared=7), worker(1, prepared=7)], NOW).phase is Phase.PREPARED


def test_an_older_preparation_does_not_count() -> None:
    assert look(begin(7, NOW), [worker(0, prepared=5)], NOW).phase is Phase.PREPARING


def test_a_worker_that_is_not_ready_is_not_waited_for() -> None:
    assert look(begin(7, NOW), [worker(0, prepared=7), worker(1, ready=False)], NOW).phase is Phase.PREPARED


def test_one_worker_that_cannot_prepare_ends_it_for_all() -> None:
    change = look(begin(7, NOW), [worker(0, prepared=7), worker(1, unfit=7)], NOW)
    assert (change.phase, change.reason) == (Phase.ABORTED, "worker 1 cannot prepare it; its log says why")


def test_what_another_revision_was_refused_for_is_forgotten() -> None:
    assert look(begin(7, NOW), [worker(0, prepared=7, unfit=5)], NOW).phase is Phase.PREPARED


def test_a_late_worker_ends_it() -> None:
    late = [worker(0, prepared=7), worker(1)]
    assert look(begin(7, NOW), late, NOW + PREPARE_NS - 1).phase is Phase.PREPARING
    change = look(begin(7, NOW), late, NOW + PREPARE_NS)
    assert (change.phase, change.reason) == (Phase.ABORTED, "worker 1 did not prepare it in time")


def test_without_any_ready_worker_nothing_is_applied() -> None:
    assert look(begin(7, NOW), [worker(0, ready=False)], NOW).phase is Phase.PREPARING
    assert look(begin(7, NOW), [], NOW + PREPARE_NS).reason == "no worker is ready"


def test_an_aborted_change_stays_aborted() -> None:
    aborted = look(begin(7, NOW), [worker(0, unfit=7)], NOW)
    assert look(aborted, [worker(0, prepared=7)], NOW) == aborted


def test_it_is_done_when_every_ready_worker_serves_it() -> None:
    change = established(prepared(), NOW)
    assert look(change, [worker(0, serves=7), worker(1)], NOW).phase is Phase.FLIPPING
    assert look(change, [worker(0, serves=7), worker(1, serves=7)], NOW) == dataclasses.replace(
        change, phase=Phase.DONE)


def test_there_is_no_way_back_once_it_is_true_but_the_late_one_is_named() -> None:
    change = look(established(prepared(), NOW), [worker(0, serves=7), worker(1)], NOW + FOLLOW_NS)
    assert (change.phase, change.reason) == (Phase.DONE, "worker 1 has not followed yet")


def test_only_what_is_fixed_needs_a_restart() -> None:
    plan = plans.Plan((plans.Listener(":80"),))
    assert needs_restart(plan, dataclasses.replace(plan, routes=(plans.Route("a"),), max_connections=5)) == []
    changed = dataclasses.replace(plan, workers=3, state_dir="/x", listeners=(plans.Listener(":81"),))
    assert needs_restart(plan, changed) == ["listeners", "workers", "state"]
