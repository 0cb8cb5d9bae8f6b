"""Rate limits against a 20-line reference, the shared vectors, and many processes at one limit."""
import json
import math
import multiprocessing
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway import _fastpath, _limiter, board
from tests.shared_data import shared

SECOND = 1_000_000_000


class Reference:
    """algorithms.md 1.2 and 1.6 as written, in whole ns."""

    def __init__(self, period: int, quota: int, burst: int) -> None:
        self.t = -(-period // quota)
        self.tau = burst * self.t

    def take(self, arrival: int, now: int, cost: int) -> tuple[int, int]:
        if cost * self.t > self.tau and cost > 1:
            return _limiter.NEVER_NS, arrival
        base = max(now, min(arrival, now + self.tau))
        wait = base + cost * self.t - self.tau - now
        return (wait, base) if wait > 0 else (0, base + cost * self.t)

    def kept(self, arrival: int, after: int, now: int, wait: int, cost: int) -> int:
        """What stands on the board afterwards: a denial writes only over what a stricter limit left."""
        if wait == 0:
            return after if cost else arrival
        left_over = wait != _limiter.NEVER_NS and arrival > now + self.tau + SECOND
        return now + self.tau if left_over else arrival

    def remaining(self, arrival: int, now: int) -> int:
        return max(0, math.floor((self.tau - max(0, arrival - now)) / self.t))

    def more_in(self, arrival: int, now: int) -> int:
        return max(0, arrival - now - (self.tau - self.t))


class Limited:
    """One limit on a small board, as two workers see it."""

    def __init__(self, period: int = SECOND, quota: int = 1, burst: int = 5, lines: int = 1) -> None:
        capacity = board.Capacity(2, 2, 1, 1, 2, client_lines=lines, ring_records=1)
        self.board = board.Board.create(capacity, boot_ns=0, boot_utc_ns=0)
        self.board.name_rows(["r"], [], 1, limits=[("r", "l")])
        self.workers = [board.WorkerBoard(self.board, worker) for worker in (0, 1)]
        self.limit = _limiter.RateLimit(period, quota, burst)

    def take(self, now: int, cost: int = 1, worker: int = 0) -> tuple[int, int]:
        rows = self.workers[worker]
        return self.limit.take_at(rows.limit("r", "l")[1], now, cost, rows.client_table()[2])

    def take_of_client(self, client: int, now: int, worker: int = 0) -> int:
        return self.limit.take_of_client(self.workers[worker].client_table(), client, 0, now, 1)[0]

    @property
    def arrival(self) -> int:
        return self.board.limit(0)["arrival"]

    @property
    def counters(self) -> dict[str, int]:
        return self.board.limiter(0).snapshot()


STEPS = some.lists(some.tuples(some.integers(0, 5 * SECOND), some.integers(0, 7), some.integers(0, 1)), max_size=40)


@given(some.integers(1, 3600 * SECOND), some.integers(1, 10**6), some.integers(1, 10**4), STEPS)
def test_a_limit_decides_as_the_formulas_say(period: int, quota: int, burst: int, steps: list[tuple[int, int, int]]):
    limited, reference = Limited(period, quota, burst), Reference(period, quota, burst)
    now = arrival = 0
    for later, cost, worker in steps:
        now += later
        wait, after = limited.take(now, cost, worker)
        assert (wait, after) == reference.take(arrival, now, cost)
        assert limited.limit.remaining(after, now) == reference.remaining(after, now)
        assert limited.limit.more_in(after, now) == reference.more_in(after, now)
        arrival = reference.kept(arrival, after, now, wait, cost)
        assert limited.arrival == arrival


def test_the_shared_vectors_are_met_row_by_row():
    vectors = json.loads(shared("rate-limit/gcra.json").read_text())
    limited = Limited(SECOND, vectors["rate_per_second"], vectors["burst"])
    for seconds, volume, remaining, reset, retry, refused in vectors["rows"]:
        now = 1000 * SECOND + round(seconds * SECOND)
        wait, arrival = limited.take(now, volume)
        assert (wait > 0) == refused, (seconds, volume)
        assert limited.limit.remaining(arrival, now) == remaining
        assert max(0, arrival - now) == pytest.approx(reset * SECOND)
        assert wait == (_limiter.NEVER_NS if retry < 0 and refused else max(0, retry) * SECOND)


def test_a_denial_writes_nothing():
    limited = Limited(burst=1)
    limited.take(SECOND)
    before = limited.arrival
    assert limited.take(SECOND + 1)[0] == SECOND - 1
    assert limited.arrival == before


def test_relaxing_a_limit_helps_at_once():
    strict = Limited(period=3600 * SECOND, quota=1, burst=1)
    strict.take(SECOND)
    strict.limit = _limiter.RateLimit(SECOND, 100, 10)
    assert strict.take(2 * SECOND)[0] == 10_000_000, "one interval of the new limit, not an hour of the old one"
    assert strict.take(2 * SECOND + 10_000_000)[0] == 0, "and it is over after that interval"


@given(some.integers(0, 2**40), some.integers(0, 2**32 - 1))
def test_retry_after_is_never_too_early_and_at_most_a_fifth_late(wait: int, draw: int):
    seconds = _limiter.retry_after_seconds(wait, draw)
    assert math.ceil(wait / SECOND) <= seconds <= math.ceil(wait * 1.2 / SECOND + 1e-6)


def test_terms_that_are_no_limit_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        _limiter.RateLimit(SECOND, 0, 1)


# The table of client keys

KEYS = some.lists(some.tuples(some.integers(0, 9), some.integers(0, SECOND)), max_size=60)


@given(KEYS)
def test_a_line_of_four_keys_is_kept_as_a_reference_keeps_it(uses: list[tuple[int, int]]):
    """One line: a key that is not there takes over the first of the emptiest slots."""
    limited, reference = Limited(lines=1, burst=3), Reference(SECOND, 1, 3)
    tags, arrivals, evicted, now = [0] * 4, [0] * 4, 0, SECOND
    for client, later in uses:
        now += later
        tag = _limiter.key_under(client, 0) | 1
        if tag not in tags:
            way = arrivals.index(min(arrivals))
            evicted += arrivals[way] > now
            tags[way], arrivals[way] = tag, 0
        way = tags.index(tag)
        wait, after = reference.take(arrivals[way], now, 1)
        arrivals[way] = arrivals[way] if wait else after
        assert limited.take_of_client(client, now) == wait
    assert limited.counters["evicted_live"] == evicted


def test_a_flood_of_client_keys_leaves_the_table_as_large_as_it_was_and_is_counted():
    limited = Limited(lines=256, burst=1)
    limited.take_of_client(10**9, SECOND)
    for client in range(20_000):
        assert limited.take_of_client(client, SECOND) == 0
    assert limited.counters["evicted_live"] >= 20_000 - 4 * 256
    assert limited.take_of_client(10**9, 3 * SECOND) == 0, "a known client that behaves is admitted"


def test_limits_do_not_share_the_slots_of_a_client():
    assert len({_limiter.key_under(7, row) & ~1 for row in range(1000)}) == 1000


def reference_siphash13(key: bytes, k0: int, k1: int) -> int:
    """The published algorithm with one round per word and three at the end."""
    mask = 2**64 - 1
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(x: int, by: int) -> int:
        return (x << by | x >> (64 - by)) & mask

    def turn() -> None:
        for one, two, by, half in ((0, 1, 13, True), (2, 3, 16, False), (0, 3, 21, False), (2, 1, 17, True)):
            v[one] = (v[one] + v[two]) & mask
            v[two] = rotate(v[two], by) ^ v[one]
            v[one] = rotate(v[one], 32) if half else v[one]

    padded = key + bytes(7 - len(key) % 8) + bytes([len(key) % 256])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        turn()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        turn()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@given(some.binary(max_size=70), some.tuples(some.integers(0, 2**64 - 1), some.integers(0, 2**64 - 1)))
def test_client_keys_are_hashed_by_siphash_1_3(key: bytes, seed: tuple[int, int]):
    assert _limiter.hash_key(key, seed) == reference_siphash13(key, *seed)


# Exact over processes

def hammer(fd: int, worker: int, until: int, answer: "multiprocessing.SimpleQueue[int]") -> None:
    rows = board.WorkerBoard(board.Board.attach(fd), worker)
    limit = _limiter.RateLimit(SECOND, 100_000, 100)
    answer.put(limit.hammer(rows.limit("r", "l")[1], rows.client_table()[2], until))


def test_two_processes_at_one_limit_are_never_admitted_more_than_it_says():
    limited = Limited()
    answers = multiprocessing.SimpleQueue()
    start = _fastpath.monotonic_ns()
    until = start + SECOND // 2
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=hammer, args=(limited.board.fd, worker, until, answers)) for worker in (0, 1)]
    for child in children:
        child.start()
    admitted = sum(answers.get() for _ in children)
    for child in children:
        child.join()
    assert 100 <= admitted <= 50_100


def test_random_orders_of_workers_and_times_never_admit_more_than_the_limit():
    limited, random_ = Limited(SECOND, 100, 10), random.Random(os.environ.get("PYTEST_XDIST_WORKER", "0"))
    now, end, admitted = SECOND, 11 * SECOND, 0
    while now < end:
        admitted += limited.take(now - random_.randrange(5000), worker=random_.randrange(2))[0] == 0
        now += random_.randrange(1_000_000)
    assert 0.995 * 1010 <= admitted <= 1010
