"""Endings out of the ordinary: refusals, malformed answers, clients that leave, faults of our own."""

import pytest
from data_path import API, TO_API, Gateway, answer, asked, get, post, status
from http_messages import HOST, message
from transports import Peer

from gateway.routing import plan as plans

UPLOAD = message("POST /upload HTTP/1.1", HOST, "Content-Length: 10")
CHUNKED = message("POST /upload HTTP/1.1", HOST, "Transfer-Encoding: chunked")


# ---- refusals

def test_a_route_that_is_not_there_is_a_404() -> None:
    gateway = Gateway(plans.Route("one", plans.Match("/one"), upstream="api"))
    client = gateway.client()
    client.says(get("/two"))
    heard = client.hears()
    assert status(heard) == 404
    assert b'"reason": "no_route"' in heard
    assert gateway.counted("-") == {"requests": 1, "4xx": 1, "refused": 1}
    client.says(get("/two"))
    assert status(client.hears()) == 404


def test_a_wrong_method_is_told_which_would_do() -> None:
    gateway = Gateway(plans.Route("one", plans.Match("/one", methods=("GET", "PUT")), upstream="api"))
    client = gateway.client()
    client.says(post("/one"))
    heard = client.hears()
    assert status(heard) == 405
    assert b"\r\nAllow: GET, PUT" in heard or b"\r\nAllow: GET, HEAD, PUT" in heard


SMALL_BODIES = plans.Route("all", upstream="api", max_body=8)


def test_a_body_that_says_it_is_too_large_is_refused_before_anybody_is_asked() -> None:
    gateway = Gateway(SMALL_BODIES)
    client = gateway.client()
    client.says(UPLOAD + b"0")
    assert status(client.hears()) == 413
    assert client.heard_the_end
    assert not gateway.waiting


def test_a_body_that_grows_too_large_is_never_ended_upstream() -> None:
    gateway = Gateway(SMALL_BODIES)
    client, upstream = asked(gateway, CHUNKED + b"5\r\n01234\r\n")
    client.says(b"5\r\n56789\r\n")
    assert status(client.hears()) == 413
    assert upstream.was_reset
    assert gateway.is_at_rest


def test_the_request_behind_a_body_that_was_too_large_is_answered() -> None:
    gateway = Gateway(SMALL_BODIES)
    client, upstream = asked(gateway, CHUNKED + b"5\r\n01234\r\n")
    client.says(b"5\r\n56789\r\n0\r\n\r\n" + get("/next"))
    heard = client.hears()
    assert status(heard) == 413
    assert upstream.was_reset
    if b"Connection: close" not in heard:
        gateway.connects().says(answer(b"next"))
        assert client.hears().endswith(b"next")


def test_a_bad_chunk_after_the_head_went_up_resets_the_upstream() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, CHUNKED + b"5\r\n01234\r\n")
    client.says(b"nonsense\r\n")
    assert status(client.hears()) == 400
    assert upstream.was_reset
    assert client.heard_the_end


def test_a_bad_first_chunk_reaches_nobody() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(CHUNKED + b"nonsense\r\n" + get("/smuggled"))
    assert status(client.hears()) == 400
    assert client.heard_the_end
    assert not gateway.waiting
    assert gateway.is_at_rest


def test_a_malformed_answer_is_a_502_and_its_connection_is_not_used_again() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")
    assert status(client.hears()) == 502
    assert upstream.was_reset
    assert gateway.endpoint.connections == 0
    assert not client.heard_the_end


def test_an_answer_malformed_with_its_head_is_still_a_502() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"nonsense\r\n")
    heard = client.hears()
    assert status(heard) == 502
    assert heard.count(b"HTTP/1.1") == 1


def test_an_answer_malformed_behind_its_head_is_a_reset() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"2\r\nhi\r\n")
    upstream.says(b"nonsense\r\n")
    assert client.was_reset
    assert upstream.was_reset
    assert gateway.counted() == {"requests": 1, "2xx": 1, "refused": 1, "upstream_failures": 1}
    assert gateway.is_at_rest


def test_an_upstream_that_ends_in_the_middle_of_its_answer_is_a_reset() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer(b"hello")[:-1])
    upstream.ends()
    assert client.was_reset
    assert gateway.is_at_rest


# ---- clients that leave

@pytest.mark.parametrize("way", [Peer.ends, Peer.vanishes])
def test_a_client_that_leaves_stops_the_upstreams_work(way: object) -> None:
    gateway = Gateway()
    for heard in (b"", b"HTTP/1.1 200", answer(b"hello")[:-1]):
        client, upstream = asked(gateway, get())
        upstream.says(heard)
        way(client)
        assert upstream.was_reset
        assert gateway.is_at_rest
        assert gateway.endpoint.connections == 0
    assert gateway.counted() == {"requests": 3, "none": 2, "2xx": 1, "client_gone": 3}


def test_a_client_that_leaves_in_its_body_never_ends_it_upstream() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, CHUNKED + b"5\r\n01234\r\n")
    client.vanishes()
    assert upstream.was_reset
    assert gateway.counted() == {"requests": 1, "none": 1, "client_gone": 1}


# ---- what fails in the gateway

def test_a_fault_of_the_gateway_is_a_500_and_the_worker_serves_on(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway()
    connect, gateway.plane.connect = gateway.plane.connect, None
    client = gateway.client()
    client.says(get())
    assert status(client.hears()) == 500
    assert "please report this" in caplog.text
    assert gateway.is_at_rest
    gateway.plane.connect = connect
    another, upstream = asked(gateway, get())
    upstream.says(answer(b"well"))
    assert another.hears().endswith(b"well")
    assert gateway.counted() == {"requests": 2, "2xx": 1, "5xx": 1, "refused": 1}


def test_a_fault_in_a_pipelined_request_ends_its_connection_too(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(TO_API, upstream=plans.Upstream("api", API.endpoints, pool=plans.PoolLimits(max_idle=0)))
    client = gateway.client()
    client.says(get("/1") + get("/2") + get("/3"))
    upstream = gateway.connects()
    gateway.plane.connect = None
    upstream.says(answer(b"one"))
    heard = client.hears()
    assert b"HTTP/1.1 500" in heard
    assert "please report this" in caplog.text
    gateway.silence_of(100)
    assert client.is_gone, "it must not wait for an answer that never comes"
    assert gateway.is_at_rest


def test_a_fault_while_a_head_is_written_leaves_nothing_of_it_for_others(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway()
    other, streaming = asked(gateway, get("/stream"))
    streaming.says(answer(b"hello")[:-1])
    client, upstream = asked(gateway, get("/secret"))
    client.transport.writelines = None      # the answer's head cannot be sent
    upstream.says(answer(b"x" * 20_000, "X-Secret: yes"))
    assert "please report this" in caplog.text
    streaming.says(b"o")
    assert other.hears().endswith(b"\r\n\r\nhello")
    assert client.was_reset
    assert gateway.is_at_rest
