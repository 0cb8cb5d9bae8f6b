"""A late loop sheds the least important requests first, and what it lets in does not queue up in it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.mitigate import shedding
from gateway.mitigate.shedding import ALL, EVERYTHING, LEAST, LEVELS, RANKS, ROOM_LEAST, Cut, Seen
from gateway.model.safeguards import MILLISECOND

LATE, IN_TIME = 40 * MILLISECOND, 4 * MILLISECOND
CRITICAL, HIGH, NORMAL, BULK = (tier * LEVELS for tier in (0, 1, 2, 5))


def came(**tiers: int) -> list[int]:
    """So many requests, spread over the ranks of their tiers."""
    counts = [0] * RANKS
    for name, count in tiers.items():
        for number in range(count):
            counts[{"critical": CRITICAL, "high": HIGH, "normal": NORMAL, "bulk": BULK}[name] + number % LEVELS] += 1
    return counts


ONE_CLIENT = came() [:BULK + 7] + [1000] + [0] * (RANKS - BULK - 8)


def test_it_begins_above_20_ms_and_then_aims_at_5() -> None:
    counts = came(normal=400)
    assert shedding.tick(EVERYTHING, Seen(counts, 400, 0, 15 * MILLISECOND)) == EVERYTHING
    cut = shedding.tick(EVERYTHING, Seen(counts, 400, 0, LATE))
    assert not cut.lets_all_in
    assert shedding.tick(cut, Seen(counts, 100, 300, 15 * MILLISECOND)).room < cut.room
    assert shedding.tick(cut, Seen(counts, 100, 300, IN_TIME, busy=0.8)).room > cut.room


def test_without_requests_there_is_nobody_to_shed() -> None:
    assert shedding.tick(EVERYTHING, Seen(came(), 0, 0, LATE)) == EVERYTHING


def test_what_ended_meanwhile_is_what_can_be_borne() -> None:
    cut = shedding.tick(EVERYTHING, Seen(came(high=100, bulk=300), 400, 0, LATE, more_in_flight=300))
    assert cut == Cut(HIGH + LEVELS - 1 + (BULK - HIGH - LEVELS), BULK, room=25)


def test_the_important_are_sure_and_some_more_wait_in_reserve() -> None:
    cut = shedding.tick(Cut(ALL, ALL, 20), Seen(came(critical=10, high=30, bulk=160), let_in=50, full=10, lag=IN_TIME))
    assert shedding.admits(cut, HIGH + 5, in_flight=37), "sure: up to twice the room"
    assert not shedding.admits(cut, HIGH + 5, in_flight=38)
    assert shedding.admits(cut, BULK + 10, in_flight=18), "in reserve: while there is room"
    assert not shedding.admits(cut, BULK + 10, in_flight=19)
    assert not shedding.admits(cut, BULK + 100, in_flight=0), "more than the worker can bear comes before it"


def test_critical_requests_are_never_shed() -> None:
    cut = Cut(LEAST, LEAST, ROOM_LEAST)
    assert all(shedding.admits(cut, shedding.rank(0, client, 7), in_flight=10**6) for client in range(LEVELS))
    assert not any(shedding.admits(cut, shedding.rank(1, client, 7), in_flight=0) for client in range(LEVELS))


def test_where_all_come_from_one_client_they_are_let_in_as_others_end() -> None:
    cut = shedding.tick(Cut(ALL, ALL, 6), Seen(ONE_CLIENT, let_in=250, full=750, lag=IN_TIME))
    assert shedding.admits(cut, BULK + 7, in_flight=4)
    assert not shedding.admits(cut, BULK + 7, in_flight=5)


def test_the_room_shrinks_with_the_lag_and_grows_with_the_time_to_spare() -> None:
    counts, cut = came(normal=400), Cut(NORMAL + 20, NORMAL + 40, room=100)
    assert shedding.tick(cut, Seen(counts, 100, 50, LATE)).room == 90
    assert shedding.tick(cut, Seen(counts, 100, 50, 10_000 * MILLISECOND)).room == 50
    assert shedding.tick(cut, Seen(counts, 100, 50, IN_TIME, busy=0.5)).room == 201
    assert shedding.tick(cut, Seen(counts, 100, 50, IN_TIME, busy=0.8)).room == 126
    assert shedding.tick(cut, Seen(counts, 100, 50, IN_TIME, busy=0.95)).room == 95, "more at a time only wait"
    unhurried = shedding.tick(cut, Seen(counts, sum(counts[: NORMAL + 41]), 0, IN_TIME, busy=0.5))
    assert (unhurried.room, unhurried.reserve) == (100, ALL), "the room refused nobody, the ranks did"


def test_what_is_answered_at_once_is_bounded_by_the_beat() -> None:
    counts, cut = came(normal=400), Cut(NORMAL + 20, NORMAL + 40, room=10)
    late = shedding.tick(cut, Seen(counts, 200, 0, LATE))
    assert (late.room, late.budget) == (10, 18), "more came in at each beat than there is room for"
    few = shedding.tick(cut, Seen(counts, 50, 0, LATE))
    assert (few.room, few.budget) == (9, shedding.UNBOUNDED), "that few are no reason for the lag"
    assert shedding.admits(late, late.reserve, in_flight=0, came_in=17)
    assert not shedding.admits(late, late.reserve, in_flight=0, came_in=18)
    assert shedding.admits(late, late.threshold, in_flight=0, came_in=35)
    assert shedding.tick(late, Seen(counts, 100, 0, IN_TIME, busy=0.8)).budget == 23
    assert shedding.tick(late, Seen(counts, 100, 0, IN_TIME, busy=0.95)).budget == 18


def test_a_second_in_which_nobody_is_refused_ends_it() -> None:
    cut = Cut(NORMAL, NORMAL + 10, room=8)
    for _ in range(shedding.CALM_TICKS - 1):
        cut = shedding.tick(cut, Seen(came(normal=5), 5, 0, IN_TIME, busy=0.2))
        assert not cut.lets_all_in
    assert shedding.tick(cut, Seen(came(normal=5), 5, 0, IN_TIME, busy=0.2)) == EVERYTHING
    assert shedding.tick(cut, Seen(came(normal=50), 5, 45, IN_TIME, busy=0.2)).calm == 0


def test_the_same_client_keeps_its_fate_within_the_hour() -> None:
    assert shedding.rank(2, 12345, salt=9) == shedding.rank(2, 12345, salt=9)
    assert len({shedding.rank(2, 12345, salt) for salt in range(LEVELS)}) == LEVELS


def test_it_explains_itself() -> None:
    assert str(shedding.explain(EVERYTHING, MILLISECOND)) == "shedding: lag 1 ms; threshold 20 ms; lets everything in"
    decision = shedding.explain(Cut(2 * LEVELS + 63, ALL, 12), LATE).decision
    assert decision == ("lets in what is above normal, and 64 of 128 parts of that; "
                        "others while fewer than 12 are in flight")


@given(st.integers(LEAST, ALL), st.integers(ROOM_LEAST, 10**6),
       st.lists(st.integers(0, 50), min_size=RANKS, max_size=RANKS), st.floats(0, 1),
       st.integers(0, 10**9), st.floats(0, 1), st.integers(-1000, 1000))
def test_the_cut_stays_in_bounds_and_always_leaves_a_way_back(
        threshold: int, room: int, counts: list[int], share: float, lag: int, busy: float, more: int) -> None:
    cut = Cut(threshold, min(ALL, threshold + 1), room)
    let_in = int(share * sum(counts))
    full = (sum(counts) - let_in) // 2
    moved = shedding.tick(cut, Seen(counts, let_in, full, lag, busy, more))
    assert LEAST <= moved.threshold <= moved.reserve < RANKS
    assert moved.room >= ROOM_LEAST
    assert moved.room <= room if lag > shedding.AIM or busy >= shedding.BUSY else moved.room >= room
    if not moved.lets_all_in and let_in < sum(counts):
        assert moved.reserve > moved.threshold or moved.reserve == ALL, "somebody below critical can come in"
