"""The state of every safeguard as the board has it, in the words of the rooms."""
from typing import Any

from gateway import _gates
from gateway.admin.safeguards import safeguards
from gateway.board import Board, Capacity, WorkerBoard
from gateway.model.safeguards import MILLISECOND, SECOND, Breaker, Concurrency, Eject, Health, Limit
from gateway.routing.plan import Endpoint, Listener, Plan, Route, Upstream

NOW = 1000 * SECOND
PLAN = Plan(
    listeners=(Listener("127.0.0.1:1"),),
    upstreams=(
        Upstream("api", (Endpoint("h:1"), Endpoint("h:2")), breaker=Breaker(mode="enforce"), eject=Eject(mode="shadow"),
                 health=Health("/up", mode="enforce"), concurrency=Concurrency(2, mode="enforce")),
        Upstream("plain", (Endpoint("h:1"),)),
    ),
    routes=(
        Route("orders", upstream="api", limits=(Limit("whole", "route", 10, SECOND, 5), Limit("each", "client"))),
        Route("other", upstream="plain"),
    ),
)


def made() -> Board:
    board = Board.create(Capacity.room_for(2, 2, 3), boot_ns=1, boot_utc_ns=1)
    endpoints = [(upstream.name, each.address) for upstream in PLAN.upstreams for each in upstream.endpoints]
    limits = [(route.name, limit.name) for route in PLAN.routes for limit in route.limits]
    board.name_rows(["orders", "other"], endpoints, 1, upstreams=["api", "plain"], limits=limits)
    return board


def of(board: Board, target: str, safeguard: str) -> Any:
    found = [item for item in safeguards(board, PLAN, NOW)
             if (item["target"], item["safeguard"]) == (target, safeguard)]
    assert len(found) <= 1
    return found[0] if found else None


def test_on_a_fresh_board_everything_configured_is_listed_and_nothing_acts() -> None:
    listed = safeguards(made(), PLAN, NOW)
    assert [(item["target"], item["safeguard"], item["state"]) for item in listed] == [
        ("route:orders", "limit whole", "passes"), ("route:orders", "limit each", "by key"),
        ("upstream:api", "breaker", "closed"), ("upstream:api", "bulkhead", "room"),
        ("endpoint:api/h:1", "ejection", "in"), ("endpoint:api/h:1", "health", "in"),
        ("endpoint:api/h:2", "ejection", "in"), ("endpoint:api/h:2", "health", "in"),
    ]
    assert not any(item["acting"] for item in listed)
    assert of(made(), "endpoint:api/h:1", "ejection")["mode"] == "shadow"
    assert of(made(), "route:orders", "limit whole")["observed"] == "5 of 5 left for this route"


def test_an_isolation_is_listed_while_it_is_in_force() -> None:
    board = made()
    row = board.control("endpoints", board.names("endpoints")["plain h:1"])
    row["isolated_until"] = NOW + 90 * SECOND
    assert of(board, "endpoint:plain/h:1", "isolation")["decision"] == "isolated for another 90s"
    row["isolated_until"] = NOW
    assert of(board, "endpoint:plain/h:1", "isolation") is None


def test_a_breaker_says_its_state_why_and_whether_a_hand_is_on_it() -> None:
    board = made()
    control = board.control("upstreams", 0)
    control["breaker"], control["breaker_until"] = _gates.word_of(_gates.BREAKER_OPEN, 3, 0), NOW + 4 * SECOND
    found = of(board, "upstream:api", "breaker")
    assert (found["state"], found["acting"], found["forced"]) == ("open", True, False)
    assert found["decision"] == "OPEN for another 4 s"
    control["forced"], control["forced_until"] = 2, NOW + SECOND
    found = of(board, "upstream:api", "breaker")
    assert (found["state"], found["acting"], found["forced"]) == ("closed", False, True)
    assert found["decision"] == "forced CLOSED for another 1 s"


def test_a_breaker_that_is_off_is_listed_while_it_is_forced() -> None:
    board = made()
    assert of(board, "upstream:plain", "breaker") is None
    board.control("upstreams", 1).override("forced", 1, "forced_until", NOW + SECOND)
    found = of(board, "upstream:plain", "breaker")
    assert (found["mode"], found["state"], found["acting"]) == ("enforce", "open", True)


def test_what_the_tick_has_counted_is_what_a_breaker_has_seen() -> None:
    board = made()
    ticker = WorkerBoard(board, 0).ticker()
    ticker.run(NOW - SECOND)
    board.counters("upstreams", 1, 0)["requests"] += 8
    board.counters("upstreams", 1, 0)["failures"] += 2
    ticker.run(NOW - 800 * MILLISECOND)
    assert of(board, "upstream:api", "breaker")["observed"] == "failures 2 of 8 (25 %), slow 0 of 8 (0 %)"


def test_an_endpoint_that_is_out_says_until_when() -> None:
    board = made()
    control = board.control("endpoints", board.names("endpoints")["api h:2"])
    control["ejected_until"], control["ejections"], control["unhealthy"] = NOW + 30 * SECOND, 1, 1
    assert of(board, "endpoint:api/h:2", "ejection")["decision"] == "ejected for another 30 s"
    found = of(board, "endpoint:api/h:2", "health")
    assert (found["state"], found["acting"], found["observed"]) == ("out", True, "/up found bad")


def test_a_limit_and_a_bulkhead_that_are_used_up_act() -> None:
    board = made()
    board.limit(board.names("limits")["orders whole"])["arrival"] = NOW + SECOND // 2
    found = of(board, "route:orders", "limit whole")
    assert (found["state"], found["acting"], found["observed"]) == ("denies", True, "0 of 5 left for this route")
    for worker in range(2):
        _gates.Bulkhead(*WorkerBoard(board, worker).permits("upstreams", "api")).take(2)
    found = of(board, "upstream:api", "bulkhead")
    assert (found["state"], found["observed"], found["threshold"]) == ("full", "2 in flight", "2")
    board.control("upstreams", 0).override("concurrency", 9, "concurrency_until", NOW + SECOND)
    assert of(board, "upstream:api", "bulkhead")["threshold"] == "9"


def test_what_the_board_does_not_know_yet_is_left_out() -> None:
    board = Board.create(Capacity.room_for(1, 1, 1), boot_ns=1, boot_utc_ns=1)
    assert safeguards(board, PLAN, NOW) == []
