"""The bulkhead: at most so many requests at a time on a route or an upstream, so that one cannot use up the gateway.

Theory of operation. Each worker has one cell per target on the board and writes only its own. To admit: add one to the
own cell, sum all cells, take it back if the sum is over the limit. Two workers that do so at the same moment may both
step back (one request less than possible), but never both pass: the sum is never above the limit. A permit is given
back exactly once, by the worker that took it; the cells of a dead worker are zeroed before its successor starts. There
is no queue: a request that waits costs memory and time, and the client can wait better.

By Little's law the requests in flight are rate * time: 200 permits carry 2000/s at 100 ms each.

Sources: algorithms.md 4 D; pingora `inflight.rs`, Netflix `Limiter.Listener` (given back exactly once).
"""

from collections.abc import Sequence

from gateway.model.safeguards import Concurrency, Explanation


def in_flight(cells: Sequence[int]) -> int:
    """Requests in flight over all workers."""
    return sum(cells)


def admits(cells: Sequence[int], worker: int, limit: int) -> tuple[bool, tuple[int, ...]]:
    """Whether one more is let in by `worker`, and the cells afterwards; limit 0 is none."""
    taken = (*cells[:worker], cells[worker] + 1, *cells[worker + 1:])
    if limit and in_flight(taken) > limit:
        return False, tuple(cells)
    return True, taken


def give_back(cells: Sequence[int], worker: int) -> tuple[int, ...]:
    """Raises ValueError where the worker holds no permit: it would be given back twice."""
    if cells[worker] <= 0:
        raise ValueError(f"worker {worker} holds no permit")
    return (*cells[:worker], cells[worker] - 1, *cells[worker + 1:])


def spare(cells: Sequence[int], limit: int, share: int = 5) -> bool:
    """Is at least one `share`-th of the permits free? Asked before another upstream's load is sent here."""
    return not limit or (limit - in_flight(cells)) * share >= limit


def explain(cells: Sequence[int], params: Concurrency) -> Explanation:
    taken = in_flight(cells)
    full = bool(params.limit) and taken >= params.limit
    return Explanation("bulkhead", f"{taken} in flight", str(params.limit or "none"), "full" if full else "room")
