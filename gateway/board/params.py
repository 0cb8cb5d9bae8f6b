"""An upstream's safeguards on the board: what the tick obeys, written when a plan is loaded. Supervisor only.

The numbers that no plan can change are those of `gateway/isolate`, where their reasons stand; a test compares them.
"""

from collections.abc import Sequence

from gateway.board.segment import Board, endpoint_name
from gateway.model.safeguards import MODES, SECOND, WHOLE, Breaker, Eject, Health

FIXED = {
    "open_ns": 5 * SECOND,
    "open_cap_ns": 60 * SECOND,
    "forget_ns": 60 * SECOND,
    "step_ns": 2 * SECOND,
    "step_results": 5,
    "step_failures_ppm": WHOLE // 5,
    "reopen_ppm": WHOLE // 2,
    "eject_cap_ns": 300 * SECOND,
    "eject_jitter_ppm": WHOLE // 10,
    "panic_ppm": WHOLE // 2,
    "slow_start_min_ppm": WHOLE // 10,
}


def write_upstream(board: Board, upstream: str, addresses: Sequence[str], breaker: Breaker, eject: Eject,
                   health: Health = Health()) -> None:
    """Its parameters, and the list of its endpoints. All names must have rows; raises KeyError for one without."""
    row = board.params(board.names("upstreams")[upstream])
    for field, value in (FIXED | _of_breaker(breaker) | _of_eject(eject) | _of_health(health)).items():
        row[field] = value
    _link(board, upstream, addresses)


def _of_breaker(breaker: Breaker) -> dict[str, int]:
    return {
        "breaker_mode": MODES.index(breaker.mode),
        "breaker_window_ns": breaker.window,
        "breaker_min_requests": breaker.min_requests,
        "breaker_failures_ppm": breaker.failures,
        "breaker_slow_ppm": breaker.slow_share if breaker.slow_over else 0,
        "breaker_slow_us": breaker.slow_over // 1000,
    }


def _of_eject(eject: Eject) -> dict[str, int]:
    return {
        "eject_mode": MODES.index(eject.mode),
        "eject_consecutive": eject.consecutive_failures,
        "eject_window_ns": eject.window,
        "eject_min_requests": eject.min_requests,
        "eject_failures_ppm": eject.failures,
        "eject_ns": eject.duration,
        "eject_at_most_ppm": eject.at_most,
        "slow_start_ns": eject.slow_start,
    }


def _of_health(health: Health) -> dict[str, int]:
    return {"health_mode": MODES.index(health.mode)}


def _link(board: Board, upstream: str, addresses: Sequence[str]) -> None:
    """Each endpoint names the next, the last one first, so that a tick meanwhile finds no end that is not one."""
    endpoints, number = board.names("endpoints"), board.names("upstreams")[upstream]
    following = 0
    for address in reversed(addresses):
        row = endpoints[endpoint_name(upstream, address)]
        control = board.control("endpoints", row)
        control["upstream"], control["next_endpoint"] = number + 1, following
        following = row + 1
    board.control("upstreams", number)["first_endpoint"] = following
