"""What Prometheus reads of a board that the test writes, as a strict parser of its format understands it."""
import time
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import _gates
from gateway.board import FOR_EVER, Board, Capacity, State
from gateway.model.safeguards import ENFORCE, Concurrency
from gateway.record import exposition
from gateway.record.metrics import BoardMetrics
from gateway.routing.plan import Plan, Upstream


def make_board() -> Board:
    board = Board.create(Capacity.room_for(2, 1, 1, 1, 1), boot_ns=0, boot_utc_ns=0)
    board.name_rows(["orders"], [("api", "10.0.0.1:80")], 1, upstreams=["api"], limits=[("orders", "all")])
    return board


def scrape(board: Board, plan: Callable[[], Plan] | None = None) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = exposition.write(BoardMetrics(board, plan).collect()).decode()
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def value(board: Board, name: str, **labels: str) -> float:
    return scrape(board)[name, frozenset(labels.items())]


def test_every_metric_has_the_prefix_a_help_text_and_one_series_per_label_set() -> None:
    text = exposition.write(BoardMetrics(make_board()).collect()).decode()
    families = list(text_string_to_metric_families(text))
    assert all(family.name.startswith("gateway_") and family.documentation.endswith(".") for family in families)
    assert len({family.name for family in families}) == len(families)
    lines = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("decision", ["isolated", "limited", "shed", "saturated", "open"])
def test_decisions_are_summed_over_the_workers(decision: str) -> None:
    board = make_board()
    row = board.names("routes")["orders"]
    board.route(0, row)[decision], board.route(1, row)[decision] = 3, 4
    assert value(board, "gateway_decisions_total", route="orders", decision=decision, mode="enforce") == 7


def test_a_shadowed_decision_is_told_apart() -> None:
    board = make_board()
    board.route(1, board.names("routes")["orders"])["shadow_limited"] = 5
    assert value(board, "gateway_decisions_total", route="orders", decision="limited", mode="shadow") == 5
    assert value(board, "gateway_decisions_total", route="orders", decision="limited", mode="enforce") == 0


def test_the_breaker_tells_its_state_and_the_hand_on_it_while_that_holds() -> None:
    board = make_board()
    control = board.control("upstreams", 0)
    control["breaker"] = _gates.word_of(_gates.BREAKER_HALF_OPEN, 7, 0)
    control["forced"], control["forced_until"] = 1, FOR_EVER
    assert value(board, "gateway_breaker_state", upstream="api") == 2
    assert value(board, "gateway_breaker_forced", upstream="api") == 1
    control["forced_until"] = 1
    assert value(board, "gateway_breaker_forced", upstream="api") == 0


def test_the_retry_tokens_that_are_spent_are_told() -> None:
    board = make_board()
    board.control("upstreams", 0)["retry_spent"] = 5500
    assert value(board, "gateway_retry_tokens_spent", upstream="api") == 5.5


def test_what_is_out_is_out_until_its_time() -> None:
    board = make_board()
    control = board.control("endpoints", 0)
    control["ejected_until"] = control["isolated_until"] = FOR_EVER
    endpoint = {"upstream": "api", "endpoint": "10.0.0.1:80"}
    assert value(board, "gateway_endpoint_ejected", **endpoint) == 1
    assert value(board, "gateway_isolated", target="endpoint:api/10.0.0.1:80") == 1
    control["ejected_until"] = control["isolated_until"] = time.monotonic_ns() - 1
    assert value(board, "gateway_endpoint_ejected", **endpoint) == 0
    assert value(board, "gateway_isolated", target="endpoint:api/10.0.0.1:80") == 0


def test_a_bulkhead_tells_its_bound_and_an_override_of_it() -> None:
    board = make_board()
    plan = Plan(listeners=(), upstreams=(Upstream("api", (), concurrency=Concurrency(20, mode=ENFORCE)),))
    bound = "gateway_concurrency_limit", frozenset({("target", "upstream:api")})
    assert scrape(board, lambda: plan)[bound] == 20
    board.control("upstreams", 0).override("concurrency", 5, "concurrency_until", FOR_EVER)
    assert scrape(board, lambda: plan)[bound] == 5


def test_the_limiter_table_tells_what_it_displaced() -> None:
    board = make_board()
    board.limiter(0)["evicted_live"], board.limiter(1)["evicted_live"] = 1, 2
    assert value(board, "gateway_limiter_live_evictions_total") == 3


def test_the_same_plan_flag_falls_with_one_worker() -> None:
    board = make_board()
    board.header["digest"] = 5
    for index in range(2):
        board.slot(index)["digest"], board.slot(index)["state"] = 5, State.READY
    assert value(board, "gateway_same_plan") == 1
    board.slot(1)["digest"] = 6
    assert value(board, "gateway_same_plan") == 0


@pytest.mark.parametrize("name", ['say "hello"', "back\\slash", "two\nlines", 'a",route="b', "two words"])
def test_a_name_cannot_break_out_of_its_label(name: str) -> None:
    board = Board.create(Capacity.room_for(1, 1, 1), boot_ns=0, boot_utc_ns=0)
    board.name_rows([name], [], 1)
    board.route(0, board.names("routes")[name])["refused"] = 9
    assert value(board, "gateway_refused_total", route=name) == 9
