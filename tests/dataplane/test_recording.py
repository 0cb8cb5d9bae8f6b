"""The flight record: one for every request, those refused included, with what was decided and why."""
import struct
from typing import Any

import pytest
from data_path import Gateway, answer, asked, get, post
from hypothesis import given
from hypothesis import strategies as st

from gateway import _recorder
from gateway.board import LAYOUT, OFFSETS, SIZE
from gateway.dataplane.recording import Recording, family_of
from gateway.model.decisions import Decision, Safeguard
from gateway.model.safeguards import SHADOW, Fallback, Limit
from gateway.routing import plan as plans

FORMATS = {8: "Q", 4: "I", 2: "H", 1: "B"}
HOUR = 3600 * plans.SECOND
NO_ROW = 0xFFFFFFFF
FAILED = answer(b"broken", status="500 Internal Server Error")


class Record:
    """One record, its fields by name."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __getattr__(self, name: str) -> Any:
        field = next(each for each in LAYOUT["Record"] if each.name == name)
        at = OFFSETS["Record"][name]
        if field.count > 1:
            return self.raw[at : at + getattr(self, f"{name}_size")]
        return struct.unpack_from(FORMATS[field.size], self.raw, at)[0]


def records(gateway: Gateway) -> list[Record]:
    found, _, lost = _recorder.read(gateway.board.memory, gateway.board.ring(0).at, 0, 1000)
    assert lost == 0
    return [Record(each) for each in found]


def text(gateway: Gateway, number: int) -> bytes:
    """An interned text; number 0 is another."""
    if number == 0:
        return b"another"
    at = gateway.board.header["interned_at"] + (number - 1) * SIZE["Interned"]
    raw = bytes(gateway.board.memory[at : at + SIZE["Interned"]])
    size = struct.unpack_from("Q", raw, OFFSETS["Interned"]["size"])[0]
    return raw[OFFSETS["Interned"]["text"] :][:size]


def test_a_request_leaves_one_record_of_what_it_was_and_came_to() -> None:
    gateway = Gateway()
    _, upstream = asked(gateway, post("/orders/7?token=secret", b"12345", "User-Agent: curl/8.1"))
    upstream.says(answer(b"hello"))
    [record] = records(gateway)
    assert (record.path, record.status, record.method, record.protocol) == (b"/orders/7", 200, 2, 1)
    assert (record.bytes_in, record.bytes_out, record.attempts, record.flags) == (5, 5, 0, 0)
    assert (record.route, record.upstream, record.endpoint, record.limit) == (1, 0, 0, NO_ROW)
    assert (record.decision, record.safeguard) == (Decision.NONE, Safeguard.NONE)
    assert (text(gateway, record.host), text(gateway, record.agent)) == (b"example.com", b"curl")
    assert record.client_low == 0xFFFF << 32 | 0xC0000207
    assert record.client_key == gateway.plane.known.of("192.0.2.7").key
    assert record.total_us >= record.ttfb_us
    assert record.request_id_high


def test_what_a_safeguard_denied_says_which_and_why() -> None:
    limit = Limit("hourly", quota=1, period_ns=HOUR, burst=1)
    gateway = Gateway(plans.Route("all", upstream="api", limits=(limit,)))
    asked(gateway, get())[1].says(answer(b""))
    gateway.client().says(get())
    record = records(gateway)[1]
    assert (record.status, record.decision, record.safeguard) == (429, Decision.LIMITED, Safeguard.LIMIT)
    assert 0 < record.observed <= HOUR
    assert (record.threshold, record.limit, record.endpoint, record.ttfb_us) == (HOUR, 0, NO_ROW, 0xFFFFFFFF)


def test_what_shadow_would_have_denied_is_marked() -> None:
    limit = Limit("hourly", quota=1, period_ns=HOUR, burst=1, mode=SHADOW)
    gateway = Gateway(plans.Route("all", upstream="api", limits=(limit,)))
    for _ in range(2):
        client = gateway.client()
        client.says(get())
        if gateway.waiting:
            upstream = gateway.connects()
        upstream.says(answer(b""))
    record = records(gateway)[1]
    assert (record.status, record.decision, record.flags) == (200, Decision.LIMITED, 2)


def test_an_answer_of_a_fallback_is_marked_and_the_next_one_is_not() -> None:
    gateway = Gateway(plans.Route("all", upstream="api", fallback=(Fallback("respond", status=200, body="resting"),)))
    client, upstream = asked(gateway, get("/first"))
    upstream.says(FAILED)
    client.says(get("/second"))
    gateway.connects().says(answer(b"well"))
    first, second = records(gateway)
    assert (first.path, first.status, first.decision, first.flags) == (b"/first", 200, Decision.ERROR, 4)
    assert (second.path, second.status, second.decision, second.flags) == (b"/second", 200, Decision.NONE, 0)


def test_an_answer_of_another_upstream_is_marked_too() -> None:
    spare = plans.Upstream("spare", (plans.Endpoint("127.0.0.1:9003"),))
    gateway = Gateway(plans.Route("all", upstream="api", fallback=(Fallback("upstream", upstream="spare"),)),
                      others=(spare,))
    _, upstream = asked(gateway, get())
    upstream.says(FAILED)
    gateway.connects().says(answer(b"hello"))
    [record] = records(gateway)
    assert (record.status, record.upstream, record.decision, record.flags) == (200, 1, Decision.ERROR, 4)


def test_what_no_route_took_and_what_was_no_request_leave_a_record_too() -> None:
    gateway = Gateway(plans.Route("all", plans.Match("/only"), upstream="api"))
    gateway.client().says(get("/else"))
    gateway.client().says(b"nonsense\r\n\r\n")
    unrouted, malformed = records(gateway)
    assert (unrouted.status, unrouted.path, unrouted.route) == (404, b"/else", NO_ROW)
    assert (malformed.status, malformed.path, malformed.method) == (400, b"", 255)
    assert {each.decision for each in (unrouted, malformed)} == {Decision.REFUSED}


def test_a_client_that_left_and_an_upstream_that_broke_are_told_apart() -> None:
    gateway = Gateway()
    client, _ = asked(gateway, get())
    client.vanishes()
    _, upstream = asked(gateway, get())
    upstream.vanishes()
    left, broke = records(gateway)
    assert (left.status, left.decision) == (0, Decision.GONE)
    assert (broke.status, broke.decision) == (502, Decision.ERROR)


def test_the_version_of_the_upstream_is_recorded_if_asked_for() -> None:
    gateway = Gateway()
    gateway.plane.recording = Recording(gateway.rows, "X-Version")
    asked(gateway, get())[1].says(answer(b"", "x-version: 1.4.2-with-a-long-suffix"))
    assert records(gateway)[0].version == b"1.4.2-with-a-long-su"


def test_a_long_path_is_cut_and_says_so() -> None:
    gateway = Gateway()
    asked(gateway, get("/" + "x" * 200))[1].says(answer(b""))
    [record] = records(gateway)
    assert (record.path, record.flags) == (b"/" + b"x" * 95, 1)


def test_a_connection_that_changes_its_agent_is_not_taken_for_the_one_before() -> None:
    gateway = Gateway()
    client = gateway.client()
    for agent in ("curl/1", "curl/1", "wget/2", "curl/1"):
        client.says(get("/", f"User-Agent: {agent}"))
        if gateway.waiting:
            upstream = gateway.connects()
        upstream.says(answer(b""))
    assert [text(gateway, each.agent) for each in records(gateway)] == [b"curl", b"curl", b"wget", b"curl"]


@pytest.mark.parametrize(("agent", "family"), [
    (b"curl/8.1.2", b"curl"), (b"python-requests/2.31 x/1", b"python-requests"), (b"kube-probe", b"kube-probe"),
    (b"My App 1.0", b"My"), (b"/odd", b"/odd"),
    (b"Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/128.0", b"Firefox"),
    (b"Mozilla/5.0 (Mac) AppleWebKit/537 (KHTML, like Gecko) Chrome/126.0 Safari/537.36", b"Chrome"),
    (b"Mozilla/5.0 AppleWebKit/537 Chrome/126 Safari/537 Edg/126", b"Edg"), (b"Mozilla/5.0 (compatible)", b"Mozilla"),
])
def test_the_family_of_a_user_agent(agent: bytes, family: bytes) -> None:
    assert family_of(agent) == family


@given(st.binary(min_size=1, max_size=300))
def test_any_user_agent_has_a_family_within_it(agent: bytes) -> None:
    family = family_of(agent)
    assert family
    assert family in agent

