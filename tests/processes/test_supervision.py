"""What the supervisor decides from what it sees; time is an argument."""
import dataclasses
from typing import Any

from gateway.processes.supervision import (
    SECOND,
    SILENT_NS,
    STARTING_NS,
    UNSERVED_NS,
    Kill,
    Lend,
    Release,
    Seen,
    Start,
    decide,
)

NOW = 1000 * SECOND


def worker(slot: int, **changes: Any) -> Seen:
    serving = Seen(slot=slot, is_worker=True, alive=True, ready=True, draining=False, heartbeat=NOW,
                   since=NOW - 60 * SECOND, due=0, unready_since=NOW)
    return dataclasses.replace(serving, **changes)


def dead(slot: int, *, for_ns: int = 0, due: int = NOW + SECOND, **changes: Any) -> Seen:
    return worker(slot, alive=False, ready=False, since=NOW - for_ns, unready_since=NOW - for_ns, due=due, **changes)


def control(**changes: Any) -> Seen:
    return worker(9, is_worker=False, **changes)


def test_nothing_is_done_while_all_serve() -> None:
    assert decide([worker(0), worker(1), control()], NOW, 0) == []


def test_a_silent_child_is_killed() -> None:
    silent = NOW - SILENT_NS
    assert decide([worker(0, heartbeat=silent + 1), worker(1)], NOW, 0) == []
    assert decide([worker(0, heartbeat=silent), worker(1)], NOW, 0) == [Kill(0, SILENT_NS)]
    assert decide([worker(0), control(heartbeat=silent)], NOW, 0) == [Kill(9, SILENT_NS)]


def test_a_child_that_has_not_beaten_yet_is_given_more_time() -> None:
    starting = worker(0, ready=False, heartbeat=0, since=NOW - STARTING_NS + 1)
    assert Kill(0, STARTING_NS) not in decide([starting], NOW, 0)
    assert Kill(0, STARTING_NS) in decide([starting], NOW + 1, 0)


def test_the_supervisors_own_absence_is_not_the_childrens_silence() -> None:
    silent = worker(0, heartbeat=NOW - 50 * SECOND)
    assert decide([silent], NOW, watching_since=NOW) == []
    assert decide([silent], NOW + SILENT_NS, watching_since=NOW) == [Kill(0, SILENT_NS)]


def test_a_dead_child_is_started_once_its_back_off_is_over() -> None:
    assert decide([worker(0), dead(1, due=NOW + 1)], NOW, 0) == []
    assert decide([worker(0), dead(1, due=NOW)], NOW, 0) == [Start(1)]
    assert decide([worker(0), control(alive=False, ready=False, due=NOW)], NOW, 0) == [Start(9)]


def test_sockets_of_a_worker_that_is_long_unready_are_lent_to_a_ready_one() -> None:
    assert decide([worker(0), dead(1, for_ns=UNSERVED_NS - 1)], NOW, 0) == []
    assert decide([worker(0), dead(1, for_ns=UNSERVED_NS)], NOW, 0) == [Lend(1, to=0)]


def test_sockets_of_several_workers_are_spread_over_the_ready_ones() -> None:
    late = {"for_ns": UNSERVED_NS}
    crew = [dead(0, **late), worker(1), dead(2, **late), worker(3), dead(4, **late)]
    assert decide(crew, NOW, 0) == [Lend(0, to=1), Lend(2, to=3), Lend(4, to=1)]


def test_a_worker_that_drains_by_itself_is_helped_at_once() -> None:
    assert decide([worker(0), worker(1, ready=False, draining=True)], NOW, 0) == [Lend(1, to=0)]


def test_sockets_are_lent_once() -> None:
    assert decide([worker(0), worker(2), dead(1, for_ns=UNSERVED_NS, lent_to=0)], NOW, 0) == []


def test_without_a_ready_worker_nothing_is_lent() -> None:
    assert decide([dead(0, for_ns=UNSERVED_NS), dead(1, for_ns=UNSERVED_NS), control()], NOW, 0) == []


def test_control_has_no_sockets_to_lend() -> None:
    assert decide([worker(0), control(alive=False, ready=False, unready_since=0, due=NOW + 1)], NOW, 0) == []


def test_sockets_go_back_when_their_worker_is_ready() -> None:
    assert decide([worker(0), worker(1, lent_to=0)], NOW, 0) == [Release(1, to=0)]
