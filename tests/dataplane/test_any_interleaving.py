"""Whatever clients, upstreams, networks and the clock do, in any order: what holds at every moment, and at the end.

Clients pipeline requests of all kinds and upstreams answer them in all framings; everything is cut at random places,
anybody may stop reading, end or vanish at any time, connects come late or fail, time passes. Then:

- a client reads a sequence of whole answers in the order of its requests, each the one to its request or a refusal;
- a connection that ends cleanly never ends inside an answer (h11 judges);
- each request is counted once, and nothing stays active; a connection is open, parked or busy, and counted so.
"""
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import h11
from data_path import Gateway, chunks
from http_messages import HOST, message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transports import Peer

from gateway.routing import plan as plans

T = TypeVar("T")
BOUND = 512 * 1024
SIZES = st.sampled_from([0, 1, 5, 100, 3000, 20_000, 70_000, 300_000])
CUTS = st.sampled_from([1, 7, 60, 1500, 20_000, 300_000, 1 << 20])
READS = st.sampled_from([0, 1000, 100_000, 1 << 40, 1 << 40])
REASONS = st.sampled_from(["connect_failed", "connect_timeout", "pool_full"])
ENDINGS = st.sampled_from(["ends", "vanishes"])
KINDS = st.sampled_from(["length", "length", "length", "chunks", "until_close", "204", "304", "interim"])
ROUTES = (plans.Route("all", upstream="api", max_body=250_000), plans.Route("late", plans.Match("/late/**"),
                                                                        upstream="api", timeout=5 * plans.SECOND),
          plans.Route("no", plans.Match("/no"), respond=plans.Respond(403, body="no")))


def text_of(number: int, size: int) -> bytes:
    """The body of the answer to request `number`: no piece of it could be one of another's."""
    words = b"<%d>" % number
    return (words * (size // len(words) + 1))[:size]


def request(line: str, framing: str, size: int) -> bytes:
    if framing == "length":
        return message(line, HOST, f"Content-Length: {size}") + b"b" * size
    if framing == "chunks":
        return message(line, HOST, "Transfer-Encoding: chunked") + chunks(*([b"b" * size] if size else []))
    return message(line, HOST)


def read_or_not(peer: Peer, size: int) -> None:
    peer.reads(size) if size else peer.stops_reading()


@dataclass
class Client:
    peer: Peer
    to_say: bytearray = field(default_factory=bytearray)
    asked: list[tuple[int, str]] = field(default_factory=list)

    def listen(self) -> None:
        """Judge all that it heard so far."""
        heard = bytes(self.peer.transport.taken)
        for number, method in self.asked:
            heard, whole = judge(heard, number, method, ended=self.peer.heard_the_end)
            if not whole:
                break
        else:
            assert heard == b"", "an answer that nobody asked for"


def judge(heard: bytes, number: int, method: str, *, ended: bool) -> tuple[bytes, bool]:
    """Read one answer; returns what is behind it, and whether it was whole. It must be the answer to `number`."""
    conn = h11.Connection(h11.CLIENT)
    conn.send(h11.Request(method=method, target="/", headers=[("Host", "a"), ("Connection", "Upgrade")]))
    conn.send(h11.EndOfMessage())
    if not heard:
        return b"", False
    conn.receive_data(heard)
    if ended:
        conn.receive_data(b"")
    answer, body = None, b""
    while True:
        event = conn.next_event()
        if event is h11.NEED_DATA:
            assert not ended, "it ended inside an answer"
            break
        if isinstance(event, h11.Response):
            answer = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            check_body(answer, body, number)
            return rest_of(conn, answer), True
        elif isinstance(event, h11.ConnectionClosed):
            return b"", False
    if answer is not None and answer.status_code == 200:
        assert text_of(number, 1 << 20).startswith(body)
    return b"", False


def rest_of(conn: h11.Connection, answer: h11.Response) -> bytes:
    """What is behind an answer; behind the last one only its content, if it was made before HEAD had been read."""
    rest = bytes(conn.trailing_data[0])
    if (b"connection", b"close") in list(answer.headers):
        assert not rest or (answer.status_code == 408 and rest.startswith(b"{"))
        return b""
    return rest


def check_body(answer: h11.Response | None, body: bytes, number: int) -> None:
    assert answer is not None
    told = dict(answer.headers)
    if answer.status_code == 200:
        assert told[b"x-number"] == b"%d" % number, "the answer to another request"
        size = int(told[b"x-size"])
        assert body == text_of(number, size) or (b"x-until-close" in told and text_of(number, size).startswith(body))


@dataclass
class Upstream:
    """A server that reads requests with h11 and answers each once, early or not."""

    peer: Peer
    conn: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER))
    request: h11.Request | None = None
    whole: bool = False
    to_say: bytearray = field(default_factory=bytearray)
    answered: bool = False
    ends_after: bool = False

    def listen(self) -> None:
        """Read on; what the gateway says must be HTTP, and only one request at a time."""
        new = self.peer.hears()
        if new:
            self.conn.receive_data(new)
        while not self.whole:
            event = self.conn.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.Request):
                assert self.request is None
                self.request = event
            elif isinstance(event, h11.EndOfMessage):
                self.whole = True
        behind = self.conn.trailing_data[0]
        if self.answered and not self.to_say and not self.ends_after:
            self.next_request(behind)           # it answered before it had read the whole request
        else:
            assert not behind, "the next request before this one's answer"

    def next_request(self, begun: bytes) -> None:
        self.conn, self.request, self.whole, self.answered = h11.Connection(h11.SERVER), None, False, False
        if begun:
            self.conn.receive_data(begun)
        self.listen()

    def answer(self, kind: str, size: int) -> None:
        assert self.request is not None
        number = int(self.request.target.rsplit(b"/", 1)[1])
        head = self.request.method == b"HEAD"
        if kind in ("204", "304"):
            self.to_say += message(f"HTTP/1.1 {kind} Empty")
        elif kind == "interim":
            self.to_say += message("HTTP/1.1 103 Early Hints", "Link: </x>")
            return
        else:
            framing = {"length": f"Content-Length: {size}", "chunks": "Transfer-Encoding: chunked"}
            fields = [f"X-Number: {number}", f"X-Size: {0 if head else size}", framing.get(kind, "X-Until-Close: yes")]
            self.to_say += message("HTTP/1.1 200 OK", *fields)
            self.to_say += b"" if head else body_of(kind, text_of(number, size))
            self.ends_after = kind == "until_close" and not head
        self.answered = True

    def says_more(self, size: int) -> None:
        said = bytes(self.to_say[:size])
        del self.to_say[:size]
        done = self.answered and not self.to_say
        if done and self.whole and not self.ends_after:
            self.next_request(b"")              # before the gateway can send it
        self.peer.says(said)
        if done and self.ends_after:
            self.peer.ends()


def body_of(kind: str, text: bytes) -> bytes:
    return chunks(*(text[at:at + 9000] for at in range(0, len(text), 9000))) if kind == "chunks" else text


class World:
    """One gateway, its clients, its upstreams, and all that can happen to them; `draw` decides."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        endpoints = (plans.Endpoint("127.0.0.1:1"), plans.Endpoint("127.0.0.1:2"))
        self.gateway = Gateway(*ROUTES, upstream=plans.Upstream("api", endpoints, pool=plans.PoolLimits(max_idle=2)))
        self.clients: list[Client] = []
        self.upstreams: list[Upstream] = []
        self.requests = 0
        self.draw = draw

    def one_of(self, which: Iterable[T]) -> T | None:
        """Any of them, or None where there are none: then what was to happen does not."""
        there = list(which)
        return there[self.draw(st.integers(0, len(there) - 1))] if there else None

    # ---- clients

    def a_client_comes(self) -> None:
        if len(self.clients) < 6:
            self.clients.append(Client(self.gateway.client()))

    def a_client_asks(self) -> None:
        client = self.one_of(each for each in self.clients if len(each.to_say) < 1 << 20)
        method = self.draw(st.sampled_from(["GET", "GET", "POST", "PUT", "HEAD"]))
        framing = self.draw(st.sampled_from(["none", "length", "chunks"]))
        path = self.draw(st.sampled_from(["/", "/", "/late/", "/no?/"]))
        if client is not None:
            self.requests += 1
            client.asked.append((self.requests, method))
            client.to_say += request(f"{method} {path}{self.requests} HTTP/1.1", framing, self.draw(SIZES))

    def a_client_says_more(self) -> None:
        client = self.one_of(each for each in self.clients if each.to_say)
        if client is not None:
            size = self.draw(CUTS)
            said = bytes(client.to_say[:size])
            del client.to_say[:size]
            client.peer.says(said)

    def a_client_reads(self) -> None:
        client = self.one_of(self.clients)
        if client is not None:
            read_or_not(client.peer, self.draw(READS))

    def a_client_leaves(self) -> None:
        client = self.one_of(self.clients)
        if client is not None:
            self.clients.remove(client)
            client.listen()
            getattr(client.peer, self.draw(ENDINGS))()

    # ---- upstreams

    def a_connect_succeeds(self) -> None:
        if self.gateway.waiting:
            self.upstreams.append(Upstream(self.gateway.connects(reads=self.draw(st.integers(0, 9)) > 0)))

    def a_connect_fails(self) -> None:
        if self.gateway.waiting:
            self.gateway.fails_to_connect(self.draw(REASONS))

    def an_upstream_answers(self) -> None:
        """Early where its request is not whole yet, which is less usual."""
        upstream = self.one_of(each for each in self.upstreams if each.request and not each.answered)
        if upstream is not None and (upstream.whole or self.draw(st.integers(0, 3)) == 0):
            upstream.answer(self.draw(KINDS), self.draw(SIZES))

    def an_upstream_says_more(self) -> None:
        upstream = self.one_of(each for each in self.upstreams if each.to_say)
        if upstream is not None:
            upstream.says_more(self.draw(CUTS))

    def an_upstream_reads(self) -> None:
        upstream = self.one_of(self.upstreams)
        if upstream is not None:
            read_or_not(upstream.peer, self.draw(READS))

    def an_upstream_leaves(self) -> None:
        upstream = self.one_of(self.upstreams)
        if upstream is not None:
            self.upstreams.remove(upstream)
            getattr(upstream.peer, self.draw(ENDINGS))()

    # ---- time

    def time_passes(self) -> None:
        assert self.gateway.silence_of(self.draw(st.sampled_from([0.1, 0.1, 3, 5.5, 11, 31, 61, 121]))) == []

    # ---- what holds at every moment

    def check(self) -> None:
        for upstream in self.upstreams:
            if not upstream.peer.transport.closing:
                upstream.listen()
        for client in self.clients:
            client.listen()
        self.check_counts()
        assert all(len(each.buffer) < BOUND for each in self.gateway.loop.transports)

    def check_counts(self) -> None:
        endpoints = self.gateway.group.endpoints
        assert self.gateway.plane.active == sum(each.active for each in endpoints)
        told = [repr(each.protocol) for each in self.gateway.loop.transports if not each.closing]
        open_ = [each for each in told if each.startswith("<UpstreamConnection")]
        busy = sum("busy=True" in each for each in open_)
        assert len(open_) == sum(each.connections for each in endpoints)
        assert len(open_) == busy + sum(each["idle"] for each in self.gateway.group.snapshot())

    # ---- and what is left when all have gone

    def everybody_goes(self) -> None:
        for client in self.clients:
            client.peer.vanishes()
            client.peer.transport.resume_reading()      # one that is held is not seen to leave
        self.gateway.loop.run()
        for seconds in range(200, 2000, 200):
            while self.gateway.waiting:
                self.gateway.fails_to_connect()
            self.gateway.silence_of(seconds)

    def check_nothing_is_left(self) -> None:
        assert self.gateway.is_at_rest
        assert self.gateway.plane.snapshot()["connections"] == 0
        assert sum(each.connections for each in self.gateway.group.endpoints) == 0
        for route in ("all", "late", "no", "-"):
            counted = self.gateway.counted(route)
            classes = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
            assert counted.get("requests", 0) == sum(counted.get(each, 0) for each in classes)


# How usual each thing is: mostly what leads to an answer, or hardly any request would live so long.
USUAL: dict[Callable[[World], None], int] = {
    World.a_client_comes: 4, World.a_client_asks: 12, World.a_client_says_more: 30, World.a_client_reads: 3,
    World.a_client_leaves: 1, World.a_connect_succeeds: 12, World.a_connect_fails: 1, World.an_upstream_answers: 20,
    World.an_upstream_says_more: 30, World.an_upstream_reads: 3, World.an_upstream_leaves: 1, World.time_passes: 1,
}
HAPPENINGS = st.sampled_from([each for each, weight in USUAL.items() for _ in range(weight)])


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(HAPPENINGS, min_size=100, max_size=200))
def test_any_interleaving(data: st.DataObject, happenings: list[Callable[[World], None]]) -> None:
    world = World(data.draw)
    for happens in happenings:
        happens(world)
        world.check()
    world.everybody_goes()
    world.check_nothing_is_left()
