"""The gates against short references: permits by cells, overrides with a time, the breaker's word."""
import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway import _gates, board

WORKERS = 3


def make_board() -> board.Board:
    made = board.Board.create(board.Capacity(WORKERS, 2, 2, 1, 1, 1, 1), boot_ns=0, boot_utc_ns=0)
    made.name_rows(["r"], [("u", "a:1")], 1, upstreams=["u"])
    return made


def gate(made: board.Board, section: str = "upstreams", name: str = "u") -> tuple[_gates.Gate, board.Row]:
    return _gates.Gate(board.WorkerBoard(made, 0).control(section, name)), made.control(section, 0)


@given(some.integers(0, 5), some.lists(some.tuples(some.integers(0, WORKERS - 1), some.booleans()), max_size=60))
def test_permits_are_counted_over_all_workers(limit: int, uses: list[tuple[int, bool]]):
    made = make_board()
    workers = [board.WorkerBoard(made, worker) for worker in range(WORKERS)]
    bulkheads = [_gates.Bulkhead(*worker.permits("upstreams", "u")) for worker in workers]
    held = [0] * WORKERS
    for worker, take in uses:
        if take:
            admitted = sum(held) < limit
            assert bulkheads[worker].take(limit) == admitted
            held[worker] += admitted
        elif held[worker]:
            bulkheads[worker].give()
            held[worker] -= 1
        assert made.in_flight("upstreams", 0) == bulkheads[0].in_flight() == sum(held)


def test_a_target_is_isolated_until_its_time_and_for_ever_without_one():
    made = make_board()
    judged, control = gate(made)
    assert not judged.isolated(now=5)
    control["isolated_until"] = 10
    assert judged.isolated(now=9)
    assert not judged.isolated(now=10)
    control["isolated_until"] = board.FOR_EVER
    assert judged.isolated(now=2**62)


@given(some.integers(0, 5), some.integers(0, 2**64 - 1), some.integers(0, 2**64 - 1), some.integers(0, 800),
       some.integers(0, 2))
def test_a_request_is_shed_by_tier_and_cohort(tier: int, client: int, salt: int, ordered: int, now: int):
    judged, control = gate(make_board())
    control.override("shed_rank", ordered, "shed_until", 1)
    rank = tier * 128 + ((client ^ salt) & 127)
    assert judged.sheds(tier, client, salt, now) == (now < 1 and tier > 0 and rank > ordered)


def test_an_ordered_concurrency_limit_counts_until_its_time():
    judged, control = gate(make_board())
    control.override("concurrency", 7, "concurrency_until", 100)
    assert (judged.concurrency(200, now=99), judged.concurrency(200, now=100)) == (7, 200)


@given(some.integers(0, 2), some.integers(0, 2**30 - 1), some.integers(0, 2**32 - 1), some.integers(0, 2**32 - 1),
       some.integers(0, 2), some.integers(0, 2), some.integers(0, 1))
def test_the_breaker_admits_as_its_word_says(state: int, generation: int, fraction: int, draw: int, probes: int,
                                             forced: int, now: int):
    judged, control = gate(make_board())
    control["breaker"], control["probes"] = _gates.word_of(state, generation, fraction), probes
    control.override("forced", forced, "forced_until", 1)
    by_itself = state == 0 or (state == 2 and (draw < fraction or probes > 0))
    expected = forced == 2 if now < 1 and forced else by_itself
    assert judged.admits(now, draw) == (expected, generation)


def test_half_open_admits_its_probes_whatever_they_draw_and_no_more():
    judged, control = gate(make_board())
    control["breaker"], control["probes"] = _gates.word_of(2, 1, 0), 3
    assert [judged.admits(0, 2**32 - 1)[0] for _ in range(5)] == [True, True, True, False, False]


def test_an_answer_from_before_the_breaker_opened_is_not_taken():
    judged, control = gate(make_board())
    _, generation = judged.admits(0, 0)
    assert judged.takes(generation)
    control["breaker"] = _gates.word_of(_gates.BREAKER_OPEN, 1, 0)
    assert not judged.takes(generation)
    assert repr(judged) == "<Gate breaker open, generation 1>"


def test_failures_in_a_row_are_counted_by_all_workers_and_ended_by_a_success():
    made = make_board()
    one, two = (_gates.Gate(board.WorkerBoard(made, worker).control("endpoints", "u a:1")) for worker in (0, 1))
    assert [one.count_consecutive(True, 0), two.count_consecutive(True, 0)] == [1, 2]
    two.count_consecutive(False, 0)
    assert one.count_consecutive(True, 0) == 1
    made.control("endpoints", 0)["ejected_until"] = 10
    assert one.count_consecutive(True, 9) == 0, "an answer while it is ejected is late"


def test_an_endpoint_weighs_what_control_says_times_its_slow_start():
    made = make_board()
    judged, control = gate(made, "endpoints", "u a:1")
    assert judged.weight(3, now=0) == 3_000_000
    control.override("ramp_ppm", 100_000, "ramp_until", 10)
    assert judged.weight(3, now=9) == 300_000
    control.override("weight", 0, "weight_until", 20)
    assert (judged.weight(3, now=9), judged.weight(3, now=20)) == (0, 3_000_000)


@pytest.mark.parametrize("field", ["ejected_until", "isolated_until"])
def test_an_endpoint_is_in_unless_ejected_or_isolated(field: str):
    judged, control = gate(make_board(), "endpoints", "u a:1")
    control[field] = 10
    assert [judged.endpoint_in(9), judged.endpoint_in(10)] == [False, True]


def test_a_client_has_a_rule_if_one_in_use_names_it():
    made = make_board()
    rules = board.WorkerBoard(made, 0).client_rules()
    made.client_rule(1)["hash"] = 42
    assert _gates.rule_on(rules, 42) is None
    made.header["clients_used"] = 2
    assert (_gates.rule_on(rules, 42), _gates.rule_on(rules, 43)) == (1, None)


@given(some.integers(0, 2**64 - 1), some.integers(0, 2**32 - 1))
def test_the_lot_of_a_client_is_that_of_the_reference(client: int, revision: int):
    word = (client + 0x9E3779B97F4A7C15 * (revision + 1)) % 2**64
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    assert _gates.lot(client, revision) == (word ^ word >> 31) >> 32


def test_the_clients_of_one_revision_are_not_those_of_the_next():
    first, second = ({client for client in range(4000) if _gates.lot(client, each) < 2**32 // 10} for each in (8, 9))
    assert 320 <= len(first) <= 480
    assert len(first & second) < len(first) // 4
