"""The life of a request, as its client and its upstream see it."""
import socket

import pytest
from data_path import Gateway, answer, asked, chunks, get, post, status
from http_messages import HOST, message
from transports import Peer

from gateway.routing import plan as plans

UPLOAD = message("POST /upload HTTP/1.1", HOST, "Content-Length: 10")
CHUNKED = message("POST /upload HTTP/1.1", HOST, "Transfer-Encoding: chunked")


def pooled(gateway: Gateway) -> tuple[Peer, Peer]:
    """A client that had an answer, and the upstream whose connection now waits in the pool."""
    client, upstream = asked(gateway, get("/first"))
    upstream.says(answer(b"first"))
    client.hears()
    upstream.hears()
    return client, upstream


# ---- ordinary requests

def test_a_request_goes_up_and_its_answer_comes_down() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/orders?page=2"))
    assert upstream.hears().startswith(b"GET /orders?page=2 HTTP/1.1\r\nHost: example.com\r\n")
    upstream.says(answer(b"hello"))
    assert client.hears() == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nVia: 1.1 gateway\r\n\r\nhello"
    assert gateway.counted() == {"requests": 1, "2xx": 1}
    assert gateway.is_at_rest


def test_the_next_request_uses_the_same_two_connections() -> None:
    gateway = Gateway()
    client, upstream = pooled(gateway)
    client.says(get("/second"))
    assert upstream.hears().startswith(b"GET /second ")
    upstream.says(answer(b"second"))
    assert client.hears().endswith(b"second")
    assert gateway.group.snapshot() == [{"address": "127.0.0.1:9001", "active": 0, "connections": 1, "idle": 1}]


def test_the_request_is_active_until_its_last_byte() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer(b"hello")[:-1])
    assert (gateway.plane.active, gateway.endpoint.active, gateway.counted()) == (1, 1, {})
    upstream.says(b"o")
    assert (gateway.plane.active, gateway.endpoint.active, gateway.counted()) == (0, 0, {"requests": 1, "2xx": 1})
    assert client.hears().endswith(b"hello")


@pytest.mark.parametrize("request_", [get("/x"), post("/x", b"0123456789"), CHUNKED + chunks(b"01234", b"56789")])
@pytest.mark.parametrize("reply", [answer(b"0123456789"), message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
                                   + chunks(b"0123", b"456789")])
def test_cutting_messages_anywhere_changes_nothing(request_: bytes, reply: bytes) -> None:
    gateway = Gateway()
    client, upstream = pooled(gateway)
    client.says(get("/x"))
    upstream.says(reply)
    whole = client.hears()
    client = gateway.client()
    client.says_byte_by_byte(request_)
    if gateway.waiting:
        upstream = gateway.connects()
    upstream.says_byte_by_byte(reply)
    assert client.hears() == whole
    assert upstream.hears().endswith(request_.partition(b"\r\n\r\n")[2])
    assert gateway.is_at_rest


def test_an_answer_without_length_becomes_chunked_and_the_client_goes_on() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(b"HTTP/1.1 200 OK\r\n\r\nhel")
    upstream.says(b"lo")
    upstream.ends()
    head, _, body = client.hears().partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    assert not client.heard_the_end
    assert gateway.endpoint.connections == 0


def test_an_answer_without_length_whose_connection_breaks_never_looks_complete() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(b"HTTP/1.1 200 OK\r\n\r\nhel")
    upstream.vanishes()
    assert client.was_reset
    assert not client.hears().endswith(b"0\r\n\r\n")
    assert gateway.counted() == {"requests": 1, "2xx": 1, "refused": 1, "upstream_failures": 1}


@pytest.mark.parametrize("head", ["HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified"])
def test_what_follows_an_answer_without_a_body_is_nobodys(head: str) -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(message(head) + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert client.hears().count(b"HTTP/1.1") == 1
    assert upstream.heard_the_end
    assert gateway.endpoint.connections == 0
    assert not client.heard_the_end


def test_a_head_request_has_an_answer_without_its_body() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, message("HEAD / HTTP/1.1", HOST))
    upstream.says(message("HTTP/1.1 200 OK", "Content-Length: 5"))
    assert b"Content-Length: 5" in client.hears()
    assert gateway.is_at_rest
    upstream.says(b"hello")
    assert upstream.heard_the_end
    assert gateway.endpoint.connections == 0


def test_interim_answers_go_on_before_the_final_one() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, message("POST / HTTP/1.1", HOST, "Expect: 100-continue", "Content-Length: 2"))
    upstream.says(message("HTTP/1.1 100 Continue") + message("HTTP/1.1 103 Early Hints", "Link: </x>"))
    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n")
    assert b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n" in heard
    client.says(b"hi")
    upstream.says(answer(b"done"))
    assert client.hears().startswith(b"HTTP/1.1 200 OK")
    assert gateway.counted() == {"requests": 1, "2xx": 1}


def test_interim_answers_without_end_are_malformed() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(message("HTTP/1.1 102 Processing") * 17)
    assert client.hears().count(b"HTTP/1.1 102") == 16
    assert gateway.refused() == {"upstream_malformed": 1}
    assert gateway.is_at_rest


# ---- HTTP/1.0

def test_an_http10_client_gets_the_data_of_the_chunks_and_the_end() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get(version="1.0"))
    reply = message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + chunks(b"0123", b"456789")
    upstream.says_byte_by_byte(reply)
    head, _, body = client.hears().partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == b"0123456789"
    assert client.heard_the_end


def test_an_http10_client_may_keep_its_connection() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/", "Connection: keep-alive", version="1.0"))
    upstream.says(answer(b"hello"))
    assert b"Connection: keep-alive\r\n" in client.hears()
    client.says(get("/again", version="1.0"))
    upstream.says(answer(b"hello"))
    assert b"Connection: close\r\n" in client.hears()
    assert client.heard_the_end


def test_an_http10_client_is_not_told_to_wait_behind_a_refusal() -> None:
    gateway = Gateway(plans.Route("one", plans.Match("/one"), upstream="api"))
    client = gateway.client()
    client.says(get("/two", "Connection: keep-alive", version="1.0"))
    heard = client.hears()
    assert status(heard) == 404
    assert b"Connection: keep-alive" in heard or client.heard_the_end


def test_an_http10_client_hears_no_interim_answer() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get(version="1.0"))
    upstream.says(message("HTTP/1.1 103 Early Hints") + answer(b"x"))
    assert client.hears().startswith(b"HTTP/1.1 200 OK")


# ---- early answers

def test_an_early_answer_is_the_last_on_both_connections() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, UPLOAD + b"012")
    upstream.says(answer(b"no", status="403 Forbidden"))
    heard = client.hears()
    assert status(heard) == 403
    assert b"Connection: close\r\n" in heard
    assert client.heard_the_end
    assert upstream.was_reset
    assert gateway.is_at_rest


def test_the_body_goes_on_while_an_early_answer_streams() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, UPLOAD + b"012")
    upstream.hears()
    upstream.says(answer(b"hello")[:-2])
    client.says(b"3456789")
    assert upstream.hears() == b"3456789"
    upstream.says(b"lo")
    assert client.hears().endswith(b"hello")
    assert not upstream.was_reset
    assert gateway.group.snapshot()[0]["idle"] == 1


# ---- second tries

def test_a_get_is_sent_again_once_when_its_pooled_connection_dies() -> None:
    gateway = Gateway()
    client, old = pooled(gateway)
    client.says(get("/second"))
    told = old.hears()
    old.ends()
    fresh = gateway.connects()
    assert fresh.hears() == told
    fresh.says(answer(b"second"))
    assert client.hears().endswith(b"second")
    assert gateway.counted() == {"requests": 2, "2xx": 2, "retries": 1}
    assert gateway.group.snapshot()[0] == {"address": "127.0.0.1:9001", "active": 0, "connections": 1, "idle": 1}


def test_a_small_put_is_sent_again_with_its_whole_body() -> None:
    gateway = Gateway()
    client, old = pooled(gateway)
    client.says(post("/second", b"0123456789").replace(b"POST ", b"PUT "))
    told = old.hears()
    old.vanishes()
    assert gateway.connects().hears() == told


def test_a_second_try_that_dies_is_a_502() -> None:
    gateway = Gateway()
    client, old = pooled(gateway)
    client.says(get("/second"))
    old.ends()
    gateway.connects().ends()
    assert status(client.hears()) == 502
    assert gateway.refused() == {"upstream_reset": 1}
    assert gateway.is_at_rest


def test_a_fresh_connection_that_dies_is_a_502_at_once() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.ends()
    assert status(client.hears()) == 502
    assert not gateway.waiting
    assert gateway.counted() == {"requests": 1, "5xx": 1, "refused": 1, "upstream_failures": 1}
    assert gateway.endpoint.connections == 0


def test_an_answer_that_has_begun_forbids_a_second_try() -> None:
    gateway = Gateway()
    client, old = pooled(gateway)
    client.says(get("/second"))
    old.says(b"HTTP/1.1 200")
    old.ends()
    assert status(client.hears()) == 502
    assert not gateway.waiting


def test_a_post_never_risks_a_pooled_connection_that_is_not_known_to_be_quiet() -> None:
    gateway = Gateway()
    client, old = pooled(gateway)           # the double has no descriptor to look at, so it cannot be known
    client.says(post("/second", b"x"))
    assert old.hears() == b""
    assert old.is_gone
    fresh = gateway.connects()
    assert fresh.hears().endswith(b"\r\n\r\nx")
    fresh.ends()
    assert status(client.hears()) == 502
    assert gateway.counted()["requests"] == 2


def test_a_post_of_which_the_kernel_took_nothing_is_sent_on_a_fresh_connection() -> None:
    gateway = Gateway()
    sock, other = socket.socketpair()
    with sock, other:
        client = gateway.client()
        client.says(get())
        old = gateway.connects(sock)
        old.says(answer(b"first"))
        other.recv(65536)
        sock.shutdown(socket.SHUT_WR)       # quiet to look at, and takes nothing
        old.transport.broken = True
        client.says(post("/second", b"x"))
    assert old.hears() == b""
    fresh = gateway.connects()
    assert fresh.hears().endswith(b"\r\n\r\nx")
    fresh.says(answer(b"second"))
    assert client.hears().endswith(b"second")
    assert gateway.counted() == {"requests": 2, "2xx": 2, "retries": 1}


def test_a_post_of_which_the_kernel_took_a_part_is_never_sent_twice() -> None:
    gateway = Gateway()
    sock, other = socket.socketpair()
    with sock, other:
        client = gateway.client()
        client.says(get())
        old = gateway.connects(sock)
        old.says(answer(b"first"))
        client.says(post("/second", b"x"))
        assert other.recv(65536).endswith(b"\r\n\r\nx")
        old.vanishes()
    assert not gateway.waiting
    assert status(client.hears().split(b"first")[1]) == 502


# ---- connecting

@pytest.mark.parametrize(("reason", "code"), [("connect_failed", 502), ("connect_timeout", 504), ("pool_full", 503),
                                              ("no_endpoint", 503)])
def test_a_connect_that_fails_says_why(reason: str, code: int) -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get())
    gateway.fails_to_connect(reason)
    assert status(client.hears()) == code
    assert gateway.refused() == {reason: 1}
    assert gateway.is_at_rest
    client.says(get())
    gateway.connects().says(answer(b"better"))
    assert client.hears().endswith(b"better")


def test_a_connect_that_fails_with_the_body_still_to_come_ends_the_clients_connection() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(UPLOAD + b"012")
    assert client.is_held
    gateway.fails_to_connect()
    assert status(client.hears()) == 502
    assert client.heard_the_end
    client.says(b"3456789")
    assert not client.transport.inbox, "it is read, or it would lose the answer to a reset"


def test_the_body_waits_for_the_connection() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(UPLOAD + b"012")
    client.says(b"345")
    upstream = gateway.connects()
    client.says(b"6789")
    assert upstream.hears().endswith(b"\r\n\r\n0123456789")


def test_a_connection_that_comes_after_the_client_left_serves_the_next_one() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get())
    client.ends()
    assert gateway.counted() == {"requests": 1, "none": 1, "client_gone": 1}
    upstream = gateway.connects()
    assert upstream.hears() == b""
    another = gateway.client()
    another.says(get("/another"))
    assert upstream.hears().startswith(b"GET /another ")
    upstream.says(answer())
    assert gateway.is_at_rest


def test_a_late_connection_is_not_given_to_the_request_that_lives_in_the_same_exchange() -> None:
    gateway = Gateway()
    first = gateway.client()
    first.says(get("/first"))
    first.ends()
    second = gateway.client()
    second.says(get("/second"))             # in the exchange that the first one left
    assert gateway.waiting[0].exchange is gateway.waiting[1].exchange
    late = gateway.connects()
    assert late.hears() == b""
    assert gateway.connects().hears().startswith(b"GET /second ")


