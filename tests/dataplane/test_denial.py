"""What answers a request that its upstream cannot: the fallbacks of its route, in order, by cause."""
from dataclasses import replace
from pathlib import Path

import pytest
from data_path import API, Gateway, answer, chunks, get, post, status
from http_messages import HOST, message
from transports import Peer

from gateway import _gates
from gateway.model.safeguards import CAUSES, ENFORCE, SECOND, SHADOW, Breaker, Concurrency, Fallback, Limit, Retry
from gateway.routing import plan as plans

SORRY = Fallback("respond", status=503, headers=(("content-type", "text/plain"),), body="resting")
ELSEWHERE = Fallback("redirect", to="/sorry/**", status=307)
STALE = Fallback("stale", stale_for=300 * SECOND)
REPLICA = Fallback("upstream", upstream="replica")
SPARE = plans.Upstream("replica", (plans.Endpoint("127.0.0.1:9003"),))
GUARDED = replace(API, breaker=Breaker(mode=ENFORCE))
FAILED = answer(b"broken", status="500 Internal Server Error")
STORABLE = ("Cache-Control: max-age=60", "Content-Type: text/plain")


def falling_back(*steps: Fallback, upstream: plans.Upstream = GUARDED, **route: object) -> Gateway:
    made = plans.Route("all", upstream="api", fallback=steps, **{"match": plans.Match("/**")} | route)
    return Gateway(made, upstream=upstream, others=(SPARE,))


def asks(gateway: Gateway, request: bytes = get()) -> tuple[Peer, Peer]:
    client = gateway.client()
    client.says(request)
    return client, gateway.connects()


def refused(gateway: Gateway, request: bytes = get()) -> bytes:
    """What a client hears whose request needs no upstream."""
    client = gateway.client()
    client.says(request)
    return client.hears()


def control(gateway: Gateway, name: str = "api") -> object:
    return gateway.board.control("upstreams", gateway.board.names("upstreams")[name])


def opens(gateway: Gateway, name: str = "api") -> None:
    control(gateway, name)["breaker"] = _gates.word_of(_gates.BREAKER_OPEN, 1, 0)


def row(gateway: Gateway) -> dict[str, int]:
    found = gateway.board.route(0, gateway.board.names("routes")["all"])
    return {name: found[name] for name in ("fallbacks", "shadow_fallbacks") if found[name]}


def keeps(gateway: Gateway, reply: bytes = answer(b"good", *STORABLE), request: bytes = get("/orders?page=2")) -> None:
    """A client has had `reply`."""
    client, upstream = asks(gateway, request)
    upstream.says(reply)
    upstream.ends()
    client.hears()


# ---------------------------------------------------------------------- respond and redirect

def test_an_open_breaker_is_answered_by_the_route() -> None:
    gateway = falling_back(SORRY)
    opens(gateway)
    heard = refused(gateway)
    assert status(heard) == 503
    assert b"content-type: text/plain\r\nx-fallback: respond\r\n" in heard
    assert heard.endswith(b"\r\n\r\nresting")
    assert row(gateway) == {"fallbacks": 1}
    assert gateway.counted() == {"requests": 1, "5xx": 1}
    assert gateway.is_at_rest


def test_the_connection_goes_on_behind_a_fallback() -> None:
    gateway = falling_back(SORRY)
    opens(gateway)
    client = gateway.client()
    client.says(get() + post("/", b"beer") + get())
    assert client.hears().count(b"resting") == 3
    assert not client.heard_the_end


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_an_answer_that_failed_is_replaced_and_held_against_its_upstream(code: int) -> None:
    gateway = falling_back(SORRY)
    client, upstream = asks(gateway)
    upstream.says(answer(b"x" * 30_000, status=f"{code} No")[:10_000])
    heard = client.hears()
    assert heard.endswith(b"resting")
    assert heard.count(b"HTTP/1.1") == 1
    assert upstream.was_reset
    assert gateway.counted_endpoint()["failures"] == 1
    assert gateway.is_at_rest


@pytest.mark.parametrize("code", [200, 404, 429, 501, 505])
def test_any_other_answer_goes_to_the_client(code: int) -> None:
    gateway = falling_back(SORRY)
    client, upstream = asks(gateway)
    upstream.says(answer(b"said", status=f"{code} So"))
    assert client.hears().endswith(b"said")
    assert row(gateway) == {}


def test_a_connection_that_fails_in_any_way_is_answered_by_the_route() -> None:
    gateway = falling_back(SORRY)
    client = gateway.client()
    client.says(get())
    gateway.fails_to_connect("connect_timeout")
    assert client.hears().endswith(b"resting")
    client, upstream = asks(gateway)
    upstream.vanishes()
    assert client.hears().endswith(b"resting")
    client, _ = asks(gateway)
    gateway.silence_of(11)
    assert client.hears().endswith(b"resting")
    client, upstream = asks(gateway)
    upstream.says(b"nonsense\r\n\r\n")
    assert client.hears().endswith(b"resting")
    assert gateway.is_at_rest


def test_a_route_whose_time_is_over_answers_too() -> None:
    gateway = falling_back(REPLICA, SORRY, timeout=SECOND)
    client, _ = asks(gateway)
    gateway.silence_of(2)
    assert client.hears().endswith(b"resting"), "the replica is not asked: there is no time left"


def test_an_answer_that_has_begun_is_never_replaced() -> None:
    gateway = falling_back(STALE, REPLICA, SORRY)
    client, upstream = asks(gateway)
    upstream.says(answer(b"hello")[:-1])
    upstream.vanishes()
    assert client.was_reset
    assert row(gateway) == {}


def test_who_is_over_a_limit_is_told_so_unless_a_step_says_otherwise() -> None:
    once = Limit("once", quota=1, period_ns=3600 * SECOND, burst=1)
    gateway = falling_back(SORRY, limits=(once,))
    asks(gateway)
    assert status(refused(gateway)) == 429
    gateway = falling_back(replace(SORRY, on=("limited",)), limits=(once,))
    asks(gateway)
    assert refused(gateway).endswith(b"resting")


@pytest.mark.parametrize("cause", ["isolated", "saturated"])
def test_gates_are_causes(cause: str) -> None:
    gateway = falling_back(replace(SORRY, on=(cause,)), concurrency=Concurrency(limit=1, mode=ENFORCE))
    asks(gateway)
    if cause == "isolated":
        gateway.board.control("routes", gateway.board.names("routes")["all"])["isolated_until"] = 1 << 62
    assert refused(gateway).endswith(b"resting")


def test_a_redirect_is_written_with_what_the_path_captured() -> None:
    gateway = falling_back(ELSEWHERE, match=plans.Match("/orders/**"))
    opens(gateway)
    heard = refused(gateway, get("/orders/7?x=1"))
    assert status(heard) == 307
    assert b"Location: /sorry/7?x=1\r\nx-fallback: redirect\r\n" in heard


def test_a_head_request_gets_no_body() -> None:
    gateway = falling_back(SORRY)
    opens(gateway)
    heard = refused(gateway, message("HEAD / HTTP/1.1", HOST))
    assert b"Content-Length: 7\r\n" in heard
    assert heard.endswith(b"\r\n\r\n")


def test_the_body_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "sorry.html").write_bytes(b"<p>sorry")
    gateway = falling_back(Fallback("respond", status=200, file=str(tmp_path / "sorry.html")))
    opens(gateway)
    (tmp_path / "sorry.html").unlink()
    assert refused(gateway).endswith(b"<p>sorry")


def test_a_file_that_is_too_large_refuses_the_plan(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(ValueError, match="up to 1048576 bytes"):
        falling_back(Fallback("respond", file=str(tmp_path / "large")))


@pytest.mark.parametrize("cause", CAUSES)
def test_a_step_in_shadow_counts_and_the_next_one_answers(cause: str) -> None:
    gateway = falling_back(replace(SORRY, body="shadow", mode=SHADOW, on=CAUSES), replace(SORRY, on=CAUSES))
    if cause == "error":
        client, upstream = asks(gateway)
        upstream.says(FAILED)
        heard = client.hears()
    else:
        opens(gateway)
        heard = refused(gateway)
    assert heard.endswith(b"resting")
    assert row(gateway) == {"fallbacks": 1, "shadow_fallbacks": 1}


def test_steps_in_shadow_alone_leave_the_answer_as_it_was() -> None:
    gateway = falling_back(replace(SORRY, mode=SHADOW))
    client, upstream = asks(gateway)
    upstream.says(FAILED)
    assert client.hears().endswith(b"broken")
    assert row(gateway) == {"shadow_fallbacks": 1}


def test_retries_come_before_fallbacks() -> None:
    gateway = falling_back(SORRY, upstream=replace(API, retry=Retry(attempts=2, mode=ENFORCE)))
    client, upstream = asks(gateway)
    upstream.vanishes()
    gateway.tries_again()
    gateway.connects().vanishes()
    assert client.hears().endswith(b"resting")


# ---------------------------------------------------------------------- another upstream

def test_another_upstream_answers_in_place_of_one_that_failed() -> None:
    gateway = falling_back(REPLICA, SORRY)
    client, upstream = asks(gateway, get("/orders"))
    upstream.says(FAILED)
    replica = gateway.connects()
    assert replica.connection is not upstream.connection
    assert replica.hears() == upstream.hears(), "under the same id"
    replica.says(answer(b"hello"))
    heard = client.hears()
    assert b"x-fallback: upstream\r\n" in heard
    assert heard.endswith(b"hello")
    assert [gateway.counted_endpoint(number)["failures"] for number in (0, 1)] == [1, 0]
    assert [gateway.counted_endpoint(number)["requests"] for number in (0, 1)] == [1, 1]
    assert row(gateway) == {"fallbacks": 1}
    assert gateway.is_at_rest


def test_a_body_goes_to_the_other_upstream_if_the_first_saw_nothing_of_it() -> None:
    gateway = falling_back(REPLICA)
    opens(gateway)
    client = gateway.client()
    whole = post("/orders", b"beer and wine")
    client.says(whole[:-4])
    replica = gateway.connects()
    client.says(whole[-4:])
    assert replica.hears().endswith(b"\r\n\r\nbeer and wine")
    replica.says(answer(b"cheers"))
    assert client.hears().endswith(b"cheers")


def test_a_body_of_several_pieces_is_sent_again_in_order() -> None:
    gateway = falling_back(REPLICA)
    body = bytes(range(256)) * 200
    whole = message("PUT / HTTP/1.1", HOST, f"Content-Length: {len(body)}") + body
    client = gateway.client()
    for piece in (whole[:30_000], whole[30_000:45_000], whole[45_000:]):
        client.says(piece)
    gateway.connects().vanishes()
    replica = gateway.connects()
    assert replica.hears().endswith(b"\r\n\r\n" + body)


def test_a_write_that_was_sent_is_not_sent_to_another_upstream() -> None:
    gateway = falling_back(REPLICA, SORRY)
    client, upstream = asks(gateway, post("/orders", b"beer"))
    upstream.vanishes()
    assert client.hears().endswith(b"resting")
    assert not gateway.waiting


def test_only_one_other_upstream_is_asked_and_what_is_left_needs_nobody() -> None:
    gateway = falling_back(REPLICA, SORRY)
    client, upstream = asks(gateway)
    upstream.vanishes()
    gateway.connects().says(FAILED)
    assert client.hears().endswith(b"resting")
    assert not gateway.waiting
    assert gateway.is_at_rest


@pytest.mark.parametrize("trouble", ["open", "isolated", "full"])
def test_an_upstream_without_spare_capacity_is_not_asked(trouble: str) -> None:
    gateway = falling_back(REPLICA, SORRY)
    opens(gateway)
    if trouble == "open":
        opens(gateway, "replica")
    elif trouble == "isolated":
        control(gateway, "replica")["isolated_until"] = 1 << 62
    else:
        control(gateway, "replica")["concurrency"] = 1
        control(gateway, "replica")["concurrency_until"] = 1 << 62
        _gates.Bulkhead(*gateway.rows.permits("upstreams", "replica")).take(1)
    assert refused(gateway).endswith(b"resting")


def test_permits_of_both_upstreams_come_back() -> None:
    gateway = falling_back(REPLICA, upstream=replace(API, concurrency=Concurrency(limit=9, mode=ENFORCE)))
    control(gateway, "replica")["concurrency"] = 9
    control(gateway, "replica")["concurrency_until"] = 1 << 62
    numbers = [gateway.board.names("upstreams")[name] for name in ("api", "replica")]

    def in_flight() -> list[int]:
        return [gateway.board.in_flight("upstreams", number) for number in numbers]

    _, upstream = asks(gateway)
    assert in_flight() == [1, 0]
    upstream.vanishes()
    assert in_flight() == [0, 1]
    gateway.connects().says(answer(b"hello"))
    assert in_flight() == [0, 0]


# ---------------------------------------------------------------------- stale

@pytest.mark.parametrize("reply", [
    answer(b"good", *STORABLE),
    message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *STORABLE) + chunks(b"go", b"od"),
    message("HTTP/1.1 200 OK", *STORABLE) + b"good",
])
@pytest.mark.parametrize("request_", [
    get("/orders?page=2"), message("HEAD /orders?page=2 HTTP/1.1", "Host: EXAMPLE.com"),
])
def test_the_last_good_answer_is_served(reply: bytes, request_: bytes) -> None:
    gateway = falling_back(STALE, SORRY)
    keeps(gateway, reply)
    opens(gateway)
    heard = refused(gateway, request_)
    assert status(heard) == 200
    assert b"Content-Type: text/plain\r\n" in heard
    assert b"age: 0\r\nx-fallback: stale\r\nContent-Length: 4\r\n" in heard
    assert heard.endswith(b"\r\n\r\ngood" if request_.startswith(b"GET") else b"\r\n\r\n")
    assert heard.lower().count(b"content-length") == 1
    assert b"ransfer-" not in heard
    assert gateway.is_at_rest


@pytest.mark.parametrize("request_", [
    get("/orders?page=3"), get("/orders?page=2", "Cache-Control: no-cache"), post("/orders?page=2", b"x"),
    message("GET /orders?page=2 HTTP/1.1", "Host: other.example"),
])
def test_what_was_kept_for_another_request_is_not_served(request_: bytes) -> None:
    gateway = falling_back(STALE, SORRY)
    keeps(gateway)
    opens(gateway)
    assert refused(gateway, request_).endswith(b"resting")


@pytest.mark.parametrize("reply", [
    answer(b"good"), answer(b"good", *STORABLE, "Set-Cookie: a=b"),
    answer(b"good", "Cache-Control: private, max-age=9"),
    answer(b"good", *STORABLE, status="206 Partial"), answer(b"x" * ((1 << 20) + 1), *STORABLE),
    answer(b"good", *STORABLE)[:-1],
])
def test_what_may_not_be_kept_or_broke_off_is_not_served(reply: bytes) -> None:
    gateway = falling_back(STALE, SORRY)
    keeps(gateway, reply)
    opens(gateway)
    assert refused(gateway, get("/orders?page=2")).endswith(b"resting")
    assert gateway.plane.stale_answers.snapshot()["copying"] == 0


def test_what_one_user_may_see_is_not_served_to_another() -> None:
    gateway = falling_back(STALE, SORRY)
    keeps(gateway, request=get("/orders?page=2", "Authorization: Bearer secret"))
    keeps(gateway, answer(b"oui", *STORABLE, "Vary: Accept-Language"), get("/bonjour", "Accept-Language: fr"))
    opens(gateway)
    assert refused(gateway, get("/orders?page=2")).endswith(b"resting")
    assert refused(gateway, get("/bonjour", "Accept-Language: de")).endswith(b"resting")
    assert refused(gateway, get("/bonjour", "Accept-Language: fr")).endswith(b"oui")


def test_a_write_that_succeeded_makes_what_is_kept_untrue() -> None:
    gateway = falling_back(STALE, SORRY)
    keeps(gateway)
    keeps(gateway, answer(b"", status="409 Conflict"), post("/orders?page=2", b"x"))
    opens(gateway)
    assert refused(gateway, get("/orders?page=2")).endswith(b"good")
    control(gateway)["breaker"] = 0
    keeps(gateway, answer(b"", status="201 Created"), post("/orders?page=2", b"x"))
    opens(gateway)
    assert refused(gateway, get("/orders?page=2")).endswith(b"resting")


def test_an_answer_is_copied_once_a_second_at_most() -> None:
    gateway = falling_back(STALE, SORRY)
    for _ in range(5):
        keeps(gateway)
    assert gateway.plane.stale_answers.snapshot()["kept"] == 1


def test_an_answer_is_copied_by_one_request_at_a_time() -> None:
    gateway = falling_back(STALE, SORRY)
    clients = [asks(gateway, get("/slow")) for _ in range(3)]
    for _, upstream in clients:
        upstream.says(answer(b"good", *STORABLE)[:-1])
    assert gateway.plane.stale_answers.snapshot()["copying"] == 1
    for _, upstream in clients:
        upstream.says(b"d")
    assert gateway.plane.stale_answers.snapshot()["copying"] == 0
    assert gateway.plane.stale_answers.snapshot()["kept"] == 1
