"""What the gateway is doing now, as plain values read off the board; `now` in ns of the monotonic clock."""

from typing import Any

from gateway import __version__, _fastpath
from gateway.board import Board, Row, State

SILENT_NS = 1_000_000_000


def readiness(board: Board, now: int) -> tuple[bool, str]:
    """(ready, why): ready while a worker serves and the gateway is not draining."""
    if board.header["draining"]:
        return False, "the gateway is draining"
    states = [_liveness(board.slot(index), now) for index in range(board.header["workers_used"])]
    if "ready" in states:
        return True, f"{states.count('ready')} of {len(states)} workers are ready"
    return False, f"no worker is ready: {', '.join(states)}"


def _liveness(slot: Row, now: int) -> str:
    if slot["state"] == State.READY and now - slot["heartbeat_ns"] >= SILENT_NS:
        return "silent"
    return State(slot["state"]).name.lower()


def status(board: Board, now: int) -> dict[str, Any]:
    """The document of `/v1/status`."""
    ready, why = readiness(board, now)
    listed = [_process(board, index, now) for index in (*board.crew(), board.workers)]
    workers = listed[:-1]
    digest = f"{board.header['digest']:016x}"
    return {
        "version": __version__,
        "ready": ready,
        "reason": why,
        "uptime_seconds": round((now - board.header["boot_ns"]) / 1e9, 3),
        "plan": {
            "generation": board.header["generation"],
            "digest": digest,
            "agreed": all(worker["plan"] == digest for worker in workers),
        },
        "connections": sum(worker["connections"] for worker in workers),
        "active_requests": sum(worker["active_requests"] for worker in workers),
        "board_bytes": board.header["bytes"],
        "processes": listed,
        "routes": _routes(board),
    }


def processes(board: Board, now: int) -> list[dict[str, Any]]:
    """Who there is and in what state, without what changes by itself each second."""
    names = ("name", "pid", "state", "restarts", "plan")
    listed = [_process(board, index, now) for index in (*board.crew(), board.workers)]
    return [{name: each[name] for name in names} for each in listed]


def _process(board: Board, index: int, now: int) -> dict[str, Any]:
    slot = board.slot(index)
    return {
        "name": f"worker {index}" if index < board.workers else "control",
        "pid": slot["pid"],
        "state": _liveness(slot, now),
        "uptime_seconds": round((now - slot["started_ns"]) / 1e9, 3),
        "restarts": slot["restarts"],
        "plan": f"{slot['digest']:016x}",
        "connections": slot["connections"],
        "active_requests": slot["active"],
        "loop_lag_seconds": slot["loop_lag_us"] / 1e6,
        "adopted_sockets": slot["adopted"],
    }


def _routes(board: Board) -> dict[str, Any]:
    return {
        name: _route([board.route(worker, row) for worker in range(board.workers)], board)
        for name, row in board.names("routes").items()
    }


def _route(rows: list[Row], board: Board) -> dict[str, Any]:
    totals = ("requests", "refused", "upstream_failures", "retries", "client_gone", "bytes_in", "bytes_out")
    answers = [sum(each) for each in zip(*(row.items("answers", 6) for row in rows), strict=True)]
    latency = _fastpath.sum_histograms(board.memory, [row.histogram_at("total") for row in rows])
    quantiles = {} if not sum(row["requests"] for row in rows) else {
        name: _fastpath.quantile(latency, share) / 1e3 for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    return {
        **{name: sum(row[name] for row in rows) for name in totals},
        "answers": {f"{status}xx": count for status, count in enumerate(answers) if status},
        "latency_ms": quantiles,
    }
