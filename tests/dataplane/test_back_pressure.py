"""A client that does not read: who is held, whose clock runs, and what it may cost."""
from data_path import API, Gateway, answer, asked, get, statuses
from http_messages import HOST, message

from gateway.routing import plan as plans

KIB = 1024
MIB = 1 << 20
UPLOAD = message("POST /upload HTTP/1.1", HOST, "Content-Length: 10")
NOWHERE = plans.Route("one", plans.Match("/one"), upstream="api")
SECOND = plans.SECOND
PATIENT = plans.Upstream("api", API.endpoints, timeouts=plans.UpstreamTimeouts(first_byte=0, idle=0))


def test_a_client_that_does_not_read_holds_the_upstream() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    client.stops_reading()
    upstream.says(answer(b"x" * (2 * MIB)))
    assert upstream.is_held
    assert len(client.transport.buffer) < 512 * KIB
    client.reads()
    assert not upstream.is_held
    assert client.hears().count(b"x") == 2 * MIB
    assert gateway.is_at_rest


def test_the_silence_of_an_upstream_that_is_held_is_nobodys_fault() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    client.stops_reading()
    upstream.says(answer(b"x" * MIB))
    gateway.silence_of(119)
    assert gateway.plane.active == 1
    client.reads()
    assert gateway.is_at_rest
    assert not client.was_reset


def test_a_client_that_takes_nothing_is_given_up() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    client.stops_reading()
    upstream.says(answer(b"x" * MIB))
    gateway.silence_of(121)
    assert client.was_reset
    assert upstream.was_reset
    assert gateway.is_at_rest


def test_a_client_that_takes_a_little_is_waited_for() -> None:
    gateway = Gateway()
    client, upstream = asked(gateway, get())
    client.stops_reading()
    upstream.says(answer(b"x" * MIB))
    for number in range(1, 6):
        client.reads(KIB)
        gateway.silence_of(121 * number)
        assert not client.was_reset
    gateway.silence_of(121 * 7)
    assert client.was_reset
    assert upstream.was_reset


def test_a_client_that_reads_nothing_is_given_up_though_its_next_request_connects() -> None:
    """Its answer is whole and still waits for it when the next request finds an upstream."""
    gateway = Gateway(upstream=plans.Upstream("api", API.endpoints, pool=plans.PoolLimits(max_idle=0)))
    client, upstream = asked(gateway, get("/0"))
    client.says(get("/1"))
    client.stops_reading()
    upstream.says(answer(b"x" * (100 * KIB)))
    client.transport.high = 0                       # what the loop would tell at its next turn
    client.connection.pause_writing()
    second = gateway.connects()
    assert second.is_held
    gateway.silence_of(121)
    assert client.was_reset


def test_an_upstream_that_comes_while_the_client_is_full_is_held() -> None:
    gateway = Gateway(NOWHERE)
    client = gateway.client()
    client.stops_reading()
    client.says(get("/two") * 180 + get("/one"))
    client.transport.paused = True                  # 90 KiB wait: let that be too much
    client.connection.pause_writing()
    upstream = gateway.connects()
    assert upstream.is_held
    upstream.says(answer(b"x" * MIB))
    assert len(client.transport.buffer) < 512 * KIB
    client.reads()
    assert client.hears().endswith(b"x" * MIB)


def test_a_client_that_sends_its_body_but_reads_nothing_is_given_up() -> None:
    gateway = Gateway(upstream=PATIENT)
    client, upstream = asked(gateway, message("POST / HTTP/1.1", HOST, "Content-Length: 100"))
    client.stops_reading()
    upstream.says(answer(b"x" * MIB))
    client.says(b"0" * 50)
    gateway.silence_of(60)
    assert not client.was_reset, "its reading has 120 s"
    client.says(b"0" * 50)
    gateway.silence_of(242)
    assert client.was_reset
    assert gateway.is_at_rest


def test_no_more_requests_are_taken_while_answers_pile_up() -> None:
    gateway = Gateway(NOWHERE)
    client = gateway.client()
    client.stops_reading()
    client.says(get("/two") * 3000)
    assert len(client.transport.buffer) < 256 * KIB
    assert client.is_held
    client.reads()
    assert statuses(client.hears()) == [404] * 3000
    assert gateway.counted("-")["requests"] == 3000


def test_a_client_that_drains_in_its_body_is_on_the_bodys_clock_again() -> None:
    gateway = Gateway(upstream=PATIENT)
    client, upstream = asked(gateway, UPLOAD + b"0")
    client.stops_reading()
    upstream.says(answer(b"x" * MIB))
    client.reads()
    gateway.silence_of(31)
    assert client.is_gone or client.heard_the_end or client.was_reset
    assert gateway.is_at_rest


