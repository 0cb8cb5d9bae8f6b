"""A failed try is repeated where that is safe and within the budget; the client sees one answer."""
from dataclasses import replace

import pytest
from data_path import API, TO_API, Gateway, answer, get, post, status
from hypothesis import given
from hypothesis import strategies as st
from transports import Peer

from gateway import _fastpath, _gates
from gateway.mitigate import retry
from gateway.model.safeguards import ENFORCE, SHADOW, Breaker, Retry
from gateway.routing import plan as plans

TWICE = Retry(attempts=2, mode=ENFORCE)
TWO = (plans.Endpoint("127.0.0.1:9001"), plans.Endpoint("127.0.0.1:9002"))
UNAVAILABLE = answer(b"out", status="503 Service Unavailable")


def retrying(params: Retry = TWICE, **more: object) -> Gateway:
    return Gateway(TO_API, upstream=replace(API, endpoints=TWO, retry=params, **more))


def asks(gateway: Gateway, request: bytes = get()) -> tuple[Peer, Peer]:
    client = gateway.client()
    client.says(request)
    return client, gateway.connects()


def tries_again(gateway: Gateway) -> Peer:
    gateway.tries_again()
    return gateway.connects()


def row(gateway: Gateway) -> dict[str, int]:
    found = gateway.board.route(0, gateway.board.names("routes")["all"])
    return {name: found[name] for name in ("retries", "shadow_retries", "upstream_failures")}


def gate(gateway: Gateway) -> _gates.Gate:
    return _gates.Gate(gateway.rows.control("upstreams", "api"))


@pytest.mark.parametrize("ends", ["vanishes", "ends"])
def test_a_connection_that_breaks_is_followed_by_a_try_at_the_other_endpoint(ends: str) -> None:
    gateway = retrying()
    client, first = asks(gateway, get("/orders"))
    getattr(first, ends)()
    assert client.hears() == b""
    second = tries_again(gateway)
    assert second.hears() == first.hears(), "the same request, under the same id"
    assert second.connection is not first.connection
    second.says(answer(b"hello"))
    assert client.hears().endswith(b"hello")
    assert [gateway.counted_endpoint(number)["requests"] for number in (0, 1)] == [1, 1]
    assert sum(gateway.counted_endpoint(number)["failures"] for number in (0, 1)) == 1
    assert row(gateway) == {"retries": 1, "shadow_retries": 0, "upstream_failures": 0}
    assert gateway.is_at_rest


@pytest.mark.parametrize("code", [502, 503, 504])
def test_an_answer_that_may_pass_is_not_for_the_client(code: int) -> None:
    gateway = retrying()
    client, first = asks(gateway)
    first.says(answer(b"x" * 50_000, status=f"{code} No")[:20_000])
    assert client.hears() == b""
    tries_again(gateway).says(answer(b"hello"))
    assert client.hears().endswith(b"hello")
    assert status(client.hears() or b"HTTP/1.1 200") == 200
    assert gateway.is_at_rest


@pytest.mark.parametrize("heard", [
    answer(b"no", status="500 No"), answer(b"no", status="501 No"), answer(b"no", status="429 No"),
    answer(b"no", "X-Shed: 1", status="503 No"),
])
def test_any_other_answer_is_the_answer(heard: bytes) -> None:
    gateway = retrying()
    client, first = asks(gateway)
    first.says(heard)
    assert client.hears().endswith(b"no")
    assert not gateway.pauses


def test_the_last_try_is_answered_as_it_is() -> None:
    gateway = retrying()
    client, first = asks(gateway)
    first.says(UNAVAILABLE)
    tries_again(gateway).says(UNAVAILABLE)
    assert client.hears().endswith(b"out")
    assert not gateway.pauses
    assert gateway.is_at_rest


def test_a_write_is_never_repeated_once_a_byte_of_it_has_left() -> None:
    gateway = retrying()
    client, first = asks(gateway, post("/orders", b"beer"))
    first.vanishes()
    assert status(client.hears()) == 502
    assert not gateway.pauses
    client, first = asks(gateway, post("/orders", b"beer"))
    first.says(UNAVAILABLE)
    assert status(client.hears()) == 503
    assert not gateway.pauses


def test_a_write_is_repeated_if_nobody_was_reached_or_if_it_says_that_it_may_be() -> None:
    gateway = retrying()
    client = gateway.client()
    client.says(post("/orders", b"beer"))
    gateway.fails_to_connect()
    second = tries_again(gateway)
    assert second.hears().endswith(b"\r\n\r\nbeer")
    second.says(answer(b"cheers", "Connection: close"))
    assert client.hears().endswith(b"cheers")
    client, first = asks(gateway, post("/orders", b"wine", "Idempotency-Key: 7"))
    first.vanishes()
    assert tries_again(gateway).hears().endswith(b"\r\n\r\nwine")


def test_a_body_above_the_bound_is_not_kept() -> None:
    gateway = retrying(replace(TWICE, max_body=3))
    client, first = asks(gateway, post("/", b"beer", "Idempotency-Key: 7"))
    first.vanishes()
    assert status(client.hears()) == 502
    assert not gateway.pauses


def test_silence_is_followed_by_another_try_within_the_time_of_one() -> None:
    gateway = retrying(replace(TWICE, per_try=plans.SECOND))
    client, _ = asks(gateway)
    gateway.silence_of(1.5)
    tries_again(gateway).says(answer(b"hello"))
    assert client.hears().endswith(b"hello")


def test_a_client_that_leaves_in_the_pause_is_not_asked_for() -> None:
    gateway = retrying()
    client, first = asks(gateway)
    first.vanishes()
    client.vanishes()
    gateway.tries_again()
    assert not gateway.waiting
    assert gateway.is_at_rest


def test_shadow_counts_and_repeats_nothing() -> None:
    gateway = retrying(replace(TWICE, mode=SHADOW))
    client, first = asks(gateway)
    first.says(UNAVAILABLE)
    assert client.hears().endswith(b"out")
    assert not gateway.pauses
    assert row(gateway)["shadow_retries"] == 1


def test_the_gate_closes_within_five_failures_and_opens_with_successes() -> None:
    gateway = retrying()
    retried = 0
    for _ in range(10):
        client, first = asks(gateway)
        first.vanishes()
        if gateway.pauses:
            retried += 1
            tries_again(gateway).vanishes()
        assert status(client.hears()) == 502
    assert retried <= 3
    for _ in range(120):
        gate(gateway).count_for_retries(False)
    asks(gateway)[1].vanishes()
    assert gateway.pauses


def test_retries_stay_within_their_share_of_the_window() -> None:
    gateway = retrying()
    counters = gateway.board.counters("upstreams", 0, gateway.board.names("upstreams")["api"])
    counters["requests"], counters["retries"] = 100, 20
    ticker = gateway.rows.ticker()
    now = _fastpath.monotonic_ns()
    ticker.run(now)
    ticker.run(now + 100_000_000)
    assert gateway.group.budget(now + 100_000_000)[0] == (100, 20)
    client, first = asks(gateway)
    first.vanishes()
    assert status(client.hears()) == 502
    assert not gateway.pauses


def test_an_open_breaker_lets_no_retry_through() -> None:
    gateway = retrying(breaker=Breaker(mode=ENFORCE))
    client, first = asks(gateway)
    control = gateway.board.control("upstreams", gateway.board.names("upstreams")["api"])
    control["breaker"] = _gates.word_of(_gates.BREAKER_OPEN, 1, 0)
    first.vanishes()
    assert status(client.hears()) == 502
    assert not gateway.pauses


@given(st.lists(st.booleans(), max_size=200))
def test_the_token_gate_is_that_of_the_reference(outcomes: list[bool]) -> None:
    gateway = GATEWAY
    gateway.board.control("upstreams", gateway.board.names("upstreams")["api"])["retry_spent"] = 0
    expected = retry.Budget()
    for failed in outcomes:
        gate(gateway).count_for_retries(failed)
        expected = retry.after_failure(expected) if failed else retry.after_success(expected)
        assert gate(gateway).retry_tokens() == expected.tokens


GATEWAY = retrying()
