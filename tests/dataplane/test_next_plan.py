"""A request takes the plan that the board asks for, and nothing that lives long keeps the one before."""
import gc
import struct
import weakref

import pytest
from data_path import Gateway, answer, get, status
from http_messages import HOST, message
from transports import Peer

from gateway import _recorder
from gateway.board import OFFSETS, Board
from gateway.dataplane.routes import RoutePlan
from gateway.routing import plan as plans

UPGRADE = message("GET /socket HTTP/1.1", HOST, "Connection: Upgrade", "Upgrade: websocket")
SWITCH = message("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket")
RESTING = plans.Route("all", respond=plans.Respond(299))


def next_plan(gateway: Gateway, *routes: plans.Route) -> RoutePlan:
    plan = plans.Plan(gateway.plan.listeners, gateway.plan.upstreams, routes or gateway.plan.routes)
    return RoutePlan(plan, {"api": gateway.group}, gateway.rows, gateway.plane.deadlines)


class Followed:
    """A plane that heeds its board; `prepared` is what it may take."""

    def __init__(self, gateway: Gateway) -> None:
        self.plane = gateway.plane
        self.board: Board = gateway.board
        self.prepared: RoutePlan | None = None
        self.asked = 0
        self.plane.heed(gateway.rows.generation(), self.take)

    def take(self) -> None:
        self.asked += 1
        if self.prepared:
            self.plane.serve(self.prepared, self.board.header["generation"])


def asked(client: Peer, path: str = "/") -> int:
    client.says(get(path))
    return status(client.hears())


def test_the_first_request_after_the_word_changed_is_served_by_the_next_plan() -> None:
    gateway = Gateway(plans.Route("all", respond=plans.Respond(200)))
    followed, client = Followed(gateway), gateway.client()
    followed.prepared = next_plan(gateway, RESTING)
    assert asked(client) == 200
    followed.board.header["generation"] = 1
    assert [asked(client), asked(client)] == [299, 299]
    assert followed.asked == 1


def test_a_plan_that_is_not_prepared_is_not_waited_for() -> None:
    gateway = Gateway(plans.Route("all", respond=plans.Respond(200)))
    followed, client = Followed(gateway), gateway.client()
    followed.board.header["generation"] = 1
    assert asked(client) == 200
    followed.prepared = next_plan(gateway, RESTING)
    assert asked(client) == 299


def test_a_request_under_way_ends_as_it_began() -> None:
    gateway = Gateway()
    followed, client = Followed(gateway), gateway.client()
    client.says(get())
    upstream = gateway.connects()
    followed.prepared = next_plan(gateway, RESTING)
    followed.board.header["generation"] = 1
    assert asked(gateway.client()) == 299
    upstream.says(answer(b"as it began"))
    assert client.hears().endswith(b"as it began")
    assert gateway.counted()["2xx"] == 2


def test_neither_tunnels_nor_streams_nor_idle_connections_keep_an_old_plan() -> None:
    gateway = Gateway()
    idle, tunnel, stream = (gateway.client() for _ in range(3))
    idle.says(get())
    gateway.connects().says(answer(b"done"))
    tunnel.says(UPGRADE)
    gateway.connects().says(SWITCH)
    stream.says(get())
    streaming = gateway.connects()
    streaming.says(message("HTTP/1.1 200 OK", "Content-Length: 9") + b"so far")
    old = weakref.ref(gateway.plane.routes)
    gateway.plane.serve(next_plan(gateway), 1)
    gc.collect()
    assert old() is None
    streaming.says(b"end")
    assert stream.hears().endswith(b"so farend")
    assert gateway.plane.snapshot()["tunnels"] == 1
    assert not idle.is_gone


def test_a_request_that_waits_for_its_answer_keeps_its_plan_until_then() -> None:
    gateway = Gateway()
    client = gateway.client()
    client.says(get())
    upstream = gateway.connects()
    old = weakref.ref(gateway.plane.routes)
    gateway.plane.serve(next_plan(gateway), 1)
    gc.collect()
    assert old() is not None
    upstream.says(answer())
    gc.collect()
    assert old() is None
    assert status(client.hears()) == 200


# Two plans at the same time

class Divided:
    """A gateway that serves 299 to the clients that a revision on probation goes to, 200 to the others."""

    def __init__(self, share: float) -> None:
        self.gateway = Gateway(plans.Route("all", respond=plans.Respond(200)))
        plane, board = self.gateway.plane, self.gateway.board
        self.header = board.header
        self.header["share"] = int(share * 2**32)
        old = plane.routes
        plane.serve(next_plan(self.gateway, RESTING), 8)
        plane.stay(old, 7, self.gateway.rows.share())

    def side_of(self, address: str) -> int:
        return asked(self.gateway.client(address))

    def sides(self, clients: int = 400) -> list[int]:
        return [self.side_of(f"10.0.{each // 250}.{each % 250}") for each in range(clients)]


def test_a_share_of_the_clients_has_the_revision_on_probation_and_each_keeps_its_side() -> None:
    divided = Divided(0.25)
    sides = divided.sides()
    assert 60 <= sides.count(299) <= 140
    assert divided.sides() == sides


def test_a_larger_share_takes_more_clients_and_gives_none_back() -> None:
    divided = Divided(0.1)
    few = divided.sides()
    divided.header["share"] = 2**31
    many = divided.sides()
    assert few.count(299) < many.count(299)
    assert all(later == 299 for before, later in zip(few, many, strict=True) if before == 299)


@pytest.mark.parametrize(("share", "status"), [(0.0, 200), (1.0, 299)])
def test_the_word_on_the_board_gives_it_to_nobody_or_to_all_with_their_next_request(share: float, status: int) -> None:
    divided = Divided(0.5)
    divided.header["share"] = int(share * 2**32)
    assert set(divided.sides(50)) == {status}


def test_every_record_names_the_revision_that_it_was_served_under() -> None:
    divided = Divided(0.5)
    sides = divided.sides(40)
    found, _, _ = _recorder.read(divided.gateway.board.memory, divided.gateway.board.ring(0).at, 0, 100)
    generations = [struct.unpack_from("I", each, OFFSETS["Record"]["generation"])[0] for each in found]
    assert [8 if side == 299 else 7 for side in sides] == generations


def test_the_plan_beside_is_let_go_when_one_serves_all() -> None:
    divided = Divided(0.5)
    plane = divided.gateway.plane
    old = weakref.ref(plane.beside)
    plane.stay(None, 0, divided.gateway.rows.share())
    gc.collect()
    assert old() is None
    assert set(divided.sides(50)) == {299}
