"""Time-outs without timers, on the connections that wait in them."""
import pytest
from data_path import Gateway, answer, get

from gateway import _fastpath
from gateway.dataplane.deadlines import DeadlineBook
from gateway.routing import plan as plans

SECOND = plans.SECOND
HEAD, KEEP_ALIVE = 10 * SECOND, 60 * SECOND


def waiting(gateway: Gateway) -> dict[int, int]:
    """How many wait, by seconds."""
    return {duration // SECOND: count for duration, count in gateway.plane.deadlines.snapshot().items() if count}


def test_there_is_one_list_for_each_duration() -> None:
    book = DeadlineBook()
    assert book.list_of(SECOND) is book.list_of(SECOND)
    assert book.list_of(SECOND) is not book.list_of(2 * SECOND)
    assert book.snapshot() == {SECOND: 0, 2 * SECOND: 0}
    assert book.sweep(1 << 62) == []


def test_a_node_waits_in_one_list_at_a_time() -> None:
    gateway = Gateway()
    client = gateway.client()
    assert waiting(gateway) == {10: 1}
    client.says(get())
    assert waiting(gateway) == {}
    upstream = gateway.connects()
    assert waiting(gateway) == {10: 1}
    upstream.says(answer(b"x")[:-1])
    upstream.says(b"x")
    assert waiting(gateway) == {60: 1, 4: 1}
    client.ends()
    upstream.ends()
    assert waiting(gateway) == {}


def test_a_list_of_no_duration_lets_all_wait_for_ever() -> None:
    patient = plans.Listener("127.0.0.1:8080", timeouts=plans.ClientTimeouts(head=0, keep_alive=0))
    gateway = Gateway(listener=patient)
    client = gateway.client()
    assert waiting(gateway) == {}
    gateway.silence_of(1e6)
    assert not client.is_gone


def test_nodes_fire_in_the_order_in_which_they_were_started_and_never_early() -> None:
    gateway = Gateway()
    before = _fastpath.monotonic_ns()
    clients = [gateway.client() for _ in range(5)]
    after = _fastpath.monotonic_ns()
    gateway.plane.deadlines.sweep(before + HEAD - 1)
    assert [each.transport.closing for each in clients] == [False] * 5
    gateway.plane.deadlines.sweep((before + after) // 2 + HEAD)
    fired = [each.transport.closing for each in clients]
    assert fired == sorted(fired, reverse=True)
    gateway.plane.deadlines.sweep(after + HEAD)
    assert [each.transport.closing for each in clients] == [True] * 5


def test_a_node_in_the_middle_may_leave() -> None:
    gateway = Gateway()
    clients = [gateway.client() for _ in range(3)]
    clients[1].ends()
    assert waiting(gateway) == {10: 2}
    gateway.silence_of(11)
    assert all(each.is_gone for each in clients)
    assert waiting(gateway) == {}


def test_what_a_node_cannot_deal_with_is_returned_and_the_rest_fires_at_the_next_sweep(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = Gateway()
    first, second = gateway.client(), gateway.client()
    first.transport.close = first.transport.abort = None
    faults = gateway.silence_of(11)
    assert [type(each) for each in faults] == [TypeError]
    gateway.silence_of(12)
    assert second.is_gone
    assert waiting(gateway) == {}
    assert "please report this" in caplog.text
