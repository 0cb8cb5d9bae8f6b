"""A client's connection: requests in order, what waits behind them, its deadlines and its endings."""
import pytest
from data_path import API, Gateway, answer, asked, get, post, statuses
from http_messages import HOST, message
from transports import EVERYTHING

from gateway.routing import plan as plans

KIB = 1024
MIB = 1 << 20
UPLOAD = message("POST /upload HTTP/1.1", HOST, "Content-Length: 10")
NOWHERE = plans.Route("one", plans.Match("/one"), upstream="api")
SECOND = plans.SECOND
PATIENT = plans.Upstream("api", API.endpoints, timeouts=plans.UpstreamTimeouts(first_byte=0, idle=0))


# ---- pipelining

def test_pipelined_requests_are_answered_in_order() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/0") + get("/1") + get("/2"))
    for number in range(3):
        assert upstream.hears().startswith(b"GET /%d " % number)
        upstream.says(answer(b"answer %d" % number))
        assert client.hears().endswith(b"answer %d" % number)
    assert gateway.is_at_rest


def test_pipelined_requests_may_be_cut_anywhere() -> None:
    gateway = Gateway()
    requests = get("/0") + post("/1", b"0123456789") + get("/2")
    client, upstream = asked(gateway, requests[:1] + get("/0")[1:])
    client.says_byte_by_byte(requests[len(get("/0")):])
    upstream.says(answer(b"0"))
    upstream = gateway.connects()
    assert upstream.hears().endswith(b"\r\n\r\n0123456789")
    upstream.says(answer(b"1"))
    upstream.says(answer(b"2"))
    heard = client.hears()
    assert [heard.index(b"\r\n\r\n%d" % number) for number in range(3)] == sorted(
        heard.index(b"\r\n\r\n%d" % number) for number in range(3))


def test_many_requests_wait_in_the_kernel_and_are_read_when_their_turn_comes() -> None:
    gateway = Gateway()
    each = get("/x", "X-Long: " + "x" * 4000)
    client, upstream = asked(gateway, each * 200)
    assert client.is_held
    for _ in range(200):
        upstream.says(answer(b"x"))
    assert statuses(client.hears()) == [200] * 200
    assert not client.is_held
    assert gateway.is_at_rest


def test_a_refusal_between_pipelined_requests_keeps_its_place() -> None:
    gateway = Gateway(NOWHERE)
    client, upstream = asked(gateway, get("/one") + get("/two") + get("/one"))
    upstream.says(answer(b"first"))
    upstream.says(answer(b"third"))
    assert statuses(client.hears()) == [200, 404, 200]


def test_what_is_behind_a_malformed_request_is_never_looked_at() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/0") + b"nonsense\r\n\r\n" + get("/smuggled"))
    upstream.says(answer(b"0"))
    assert statuses(client.hears()) == [200, 400]
    assert client.heard_the_end
    assert upstream.hears().count(b"GET ") == 1


def test_what_is_behind_the_last_request_is_thrown_away() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/0", "Connection: close") + get("/1"))
    upstream.says(answer(b"0"))
    assert statuses(client.hears()) == [200]
    assert client.heard_the_end
    client.says(get("/2"))
    assert client.hears() == b""
    assert gateway.counted() == {"requests": 1, "2xx": 1}


def test_a_body_behind_a_request_whose_upstream_was_full_still_comes() -> None:
    """The reason to hold the client went with the request that it was about."""
    gateway = Gateway()
    large = post("/large", b"x" * (200 * KIB))
    client = gateway.client()
    client.says(large[:100 * KIB])
    upstream = gateway.connects(reads=False)
    client.says(large[100 * KIB:] + message("PUT /next HTTP/1.1", HOST, "Content-Length: 4") + b"01")
    assert client.is_held
    upstream.says(answer(b"enough"))
    assert client.hears().endswith(b"enough")
    fresh = gateway.connects()
    client.says(b"23")
    assert fresh.hears().endswith(b"\r\n\r\n0123")


# ---- deadlines

def test_a_client_that_never_says_a_word_is_closed_without_an_answer() -> None:
    gateway = Gateway()
    client = gateway.client()
    gateway.silence_of(9)
    assert not client.is_gone
    gateway.silence_of(11)
    assert client.is_gone
    assert client.hears() == b""
    assert gateway.counted("-") == {}


def test_a_head_that_comes_too_slowly_is_a_408() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says_byte_by_byte(get()[:-1])
    gateway.silence_of(11)
    assert statuses(client.hears()) == [408]
    assert client.heard_the_end
    assert gateway.counted("-") == {"requests": 1, "4xx": 1, "refused": 1}
    gateway.silence_of(14)
    assert client.is_gone


def test_a_slow_head_request_gets_its_408_without_content() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(b"HEAD / HTTP/1.1\r\nHost: exam")
    gateway.silence_of(11)
    assert statuses(heard := client.hears()) == [408]
    assert heard.endswith(b"\r\n\r\n")


def test_a_second_head_that_comes_too_slowly_is_a_408() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer())
    client.says(get()[:-1])
    gateway.silence_of(11)
    assert statuses(client.hears()) == [200, 408]


def test_a_slow_head_is_a_408_though_an_older_answer_was_in_the_way() -> None:
    """The send clock ran meanwhile; the head's runs again behind it."""
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    client.stops_reading()
    upstream.says(answer(b"x" * (100 * KIB)))
    client.says(get()[:-1])
    client.transport.paused = True
    client.connection.pause_writing()
    client.reads()
    client.hears()
    gateway.silence_of(11)
    assert statuses(client.hears()) == [408]


def test_an_idle_connection_is_closed_after_its_time() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    upstream.says(answer())
    gateway.silence_of(59)
    assert not client.is_gone
    gateway.silence_of(61)
    assert client.is_gone
    assert gateway.plane.snapshot()["connections"] == 0


def test_a_body_that_stops_coming_is_a_408_and_never_ended_upstream() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, UPLOAD + b"0")
    gateway.silence_of(29)
    assert gateway.plane.active == 1
    gateway.silence_of(31)
    assert statuses(client.hears()) == [408]
    assert upstream.was_reset
    assert gateway.refused() == {"body_timeout": 1}
    assert gateway.counted() == {"requests": 1, "4xx": 1, "refused": 1}


def test_waiting_for_an_answer_is_not_the_clients_fault() -> None:
    gateway = Gateway(upstream=PATIENT)
    client, _ = asked(gateway, UPLOAD + b"0123456789")
    gateway.silence_of(1000)
    assert not client.is_gone
    assert gateway.plane.active == 1


def test_a_deadline_that_fails_ends_its_request_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway()
    _, upstream = asked(gateway, UPLOAD + b"0")
    other, _ = asked(gateway, UPLOAD + b"0")
    upstream.transport.abort = None
    gateway.silence_of(31)
    gateway.silence_of(40)
    assert gateway.plane.active == 0
    assert statuses(other.hears()) == [408]
    assert "please report this" in caplog.text


# ---- endings

def test_a_lingering_client_may_finish_what_it_sends() -> None:
    gateway = Gateway(NOWHERE)
    client = gateway.client()
    client.says(message("POST /two HTTP/1.1", HOST, f"Content-Length: {MIB}"))
    assert statuses(client.hears()) == [404]
    assert client.heard_the_end
    client.says(b"x" * (60 * KIB))
    assert not client.is_held
    assert not client.transport.inbox
    client.says(b"x" * MIB)
    assert client.is_held, "the rest waits in the kernel"
    gateway.silence_of(1)
    assert not client.is_gone
    gateway.silence_of(3)
    assert client.is_gone
    assert gateway.plane.snapshot()["connections"] == 0


def test_a_lingering_client_that_closes_is_gone_at_once() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/", "Connection: close"))
    upstream.says(answer())
    client.ends()
    assert client.is_gone
    assert not client.was_reset


def test_a_client_that_reads_its_last_answer_late_does_not_stay_for_ever() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/", "Connection: close"))
    client.stops_reading()
    upstream.says(answer(b"x" * (200 * KIB)))
    client.reads()
    assert client.hears().endswith(b"x" * KIB)
    assert client.heard_the_end
    gateway.silence_of(3)
    assert client.is_gone


@pytest.mark.parametrize("last", ["Connection: close", "Connection: keep-alive"])
def test_a_client_that_never_reads_its_last_answer_does_not_stay_for_ever(last: str) -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/", last))
    client.stops_reading()
    upstream.says(answer(b"x" * (100 * KIB)))          # not so much that the transport calls itself full
    gateway.silence_of(61)
    gateway.silence_of(200)
    gateway.silence_of(400)
    assert client.is_gone
    assert gateway.plane.snapshot()["connections"] == 0


def test_a_client_that_reads_its_last_answer_slowly_gets_it_whole() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/", "Connection: close"))
    client.stops_reading()
    upstream.says(answer(b"x" * (100 * KIB)))
    for number in range(1, 50):
        client.reads(KIB)
        gateway.silence_of(100 * number)
    client.reads(EVERYTHING)
    assert client.hears().count(b"x") >= 100 * KIB
    assert client.is_gone
    assert not client.was_reset


def test_one_connection_too_many_is_told_so() -> None:
    gateway = Gateway()
    gateway.plane.max_connections = 1
    first, second = gateway.client(), gateway.client()
    assert statuses(second.hears()) == [503]
    assert second.heard_the_end
    second.says(get())
    assert second.hears() == b""
    gateway.silence_of(3)
    assert second.is_gone
    first.ends()
    assert gateway.plane.snapshot()["connections"] == 0
    assert gateway.refused() == {"too_many_connections": 1}


# ---- drain

def test_while_draining_each_answer_is_the_last() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    gateway.plane.draining = True
    upstream.says(answer(b"last"))
    assert b"Connection: close\r\n" in client.hears()
    assert client.heard_the_end
    assert upstream.heard_the_end, "there is nobody to keep it for"


def test_while_draining_a_connection_is_closed_when_it_has_been_idle() -> None:
    gateway = Gateway()
    busy, _ = asked(gateway, get())
    client, upstream = asked(gateway, get())
    upstream.says(answer(b"x"))
    in_head = gateway.client()
    in_head.says(get()[:-1])
    gateway.plane.draining = True
    now = 1 << 62
    for each in (client, busy, in_head):
        each.connection.close_if_idle(now, SECOND)
    gateway.loop.run()
    assert (client.is_gone, busy.is_gone, in_head.is_gone) == (True, False, False)


def test_a_request_that_came_before_the_drain_and_a_pipelined_one_behind_it_close_after_the_first() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get("/0") + get("/1"))
    gateway.plane.draining = True
    upstream.says(answer(b"0"))
    heard = client.hears()
    assert statuses(heard) == [200]
    assert b"Connection: close\r\n" in heard
    assert gateway.is_at_rest


def test_aborting_ends_whatever_it_does() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    client.connection.abort()
    gateway.loop.run()
    assert client.is_gone
    assert upstream.was_reset
    assert gateway.is_at_rest


def test_the_routes_time_for_the_whole_request() -> None:
    gateway = Gateway(plans.Route("all", upstream="api", timeout=5 * SECOND))
    client, upstream = asked(gateway, get())
    gateway.silence_of(6)
    assert statuses(client.hears()) == [504]
    assert upstream.was_reset
    client.says(get())
    upstream = gateway.connects()
    upstream.says(answer(b"hello")[:-1])
    gateway.silence_of(6)
    assert client.was_reset, "an answer that has begun must not look complete"
    assert gateway.refused() == {"request_timeout": 2}
    assert gateway.is_at_rest


def test_the_whole_time_passes_while_connecting_too() -> None:
    gateway = Gateway(plans.Route("all", upstream="api", timeout=5 * SECOND))
    client = gateway.client()
    client.says(UPLOAD)
    gateway.silence_of(6)
    assert statuses(client.hears()) == [504]
    late = gateway.connects()
    assert late.hears() == b""
    assert gateway.group.snapshot()[0]["idle"] == 1
