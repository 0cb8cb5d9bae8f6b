"""Why a request is answered as it is: the route, what it meets, and the line of the config."""
import logging
import time
from pathlib import Path
from typing import Any

from gateway import _limiter
from gateway.admin.explaining import Explainer, Question
from gateway.board import Board, Capacity, WorkerBoard, limit_name
from gateway.config import revisions
from gateway.control.actuate import client_key
from gateway.control.overrides import Overrides, now
from gateway.model.override import ISOLATION
from gateway.record.store import open_store

TEXT = """\
version: 1
listeners: [{address: "127.0.0.1:8080"}]
upstreams:
  api:
    endpoints: ["127.0.0.1:9001"]
    breaker: {window: 5s}
routes:
  - name: orders
    match: {path: /orders/**, methods: [GET]}
    upstream: api
    limits:
      - {name: all, key: route, rate: 100/s}
      - {name: per-client, key: client, rate: 1/s, burst: 2}
    fallback: [{respond: {status: 503}}]
  - {name: beta, match: {path: /orders/**, headers: {x-beta: "1"}}, respond: {status: 204}}
  - {name: rest, match: {path: /**}, upstream: api}
"""
CLIENT = "192.0.2.7"


class World:
    """A board that serves TEXT."""

    def __init__(self, folder: Path) -> None:
        self.board = Board.create(Capacity.room_for(1, 3, 1, client_lines=64), boot_ns=0, boot_utc_ns=0)
        self.plan = revisions.from_documents({"a.yaml": TEXT.encode()}).plan
        self.board.name_rows([each.name for each in self.plan.routes], [("api", "127.0.0.1:9001")], generation=1,
                             upstreams=["api"], limits=[("orders", "all"), ("orders", "per-client")])
        store = open_store(folder, 1, logging.getLogger("test"))
        self.overrides = Overrides(self.board, lambda: store, logging.getLogger("test"))

    def explain(self, path: str = "/orders/7", method: str = "GET", **more: Any) -> dict[str, Any]:
        standing = self.overrides.standing(ISOLATION, now())
        return Explainer(self.board, self.plan, TEXT, standing).explain(
            Question(method, path, **more), time.monotonic_ns())

    def take(self, client: str, times: int) -> None:
        """As a worker charges the limit of a client."""
        table = WorkerBoard(self.board, 0).client_table()
        row = self.board.names("limits")[limit_name("orders", "per-client")]
        limit = _limiter.RateLimit(10**9, 1, 2)
        for _ in range(times):
            limit.take_of_client(table, client_key(self.board, client), row, time.monotonic_ns(), 1)


def named(found: dict[str, Any], safeguard: str) -> dict[str, Any]:
    return next(each for each in found["safeguards"] if each["safeguard"] == safeguard)


def test_the_route_is_told_with_its_line_and_why_the_others_are_not_taken(tmp_path: Path) -> None:
    found = World(tmp_path).explain()
    assert (found["route"]["name"], found["route"]["to"]) == ("orders", "upstream api")
    assert found["route"]["why"] == "the most specific match: path /orders/**, any host, method GET"
    assert found["route"]["config"] == {
        "file": "config", "line": 9, "text": "match: {path: /orders/**, methods: [GET]}"}
    assert {each["name"]: each["why"] for each in found["others"]} == {
        "beta": "it needs the headers x-beta: 1", "rest": "it matches too; another is more specific"}
    assert found["verdict"] == "passes: upstream api"


def test_a_method_or_a_path_that_no_route_takes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.plan = revisions.from_documents({"a.yaml": TEXT[: TEXT.index("  - {name: rest")].encode()}).plan
    assert world.explain(method="POST")["verdict"] == "405: routes match, but none for POST; allowed: GET, HEAD"
    assert world.explain("/nowhere")["verdict"] == "404: no route matches"
    assert world.explain("/nowhere")["denied"] is True


def test_each_safeguard_comes_in_the_order_of_the_gates_with_its_line(tmp_path: Path) -> None:
    found = World(tmp_path).explain()
    assert [(each["safeguard"], each["config"]["line"], each["window"]) for each in found["safeguards"]] == [
        ("limit all", 12, "1 s"), ("limit per-client", 13, "1 s"), ("breaker", 6, "5 s")]


def test_a_limit_by_client_is_told_for_this_client(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.take(CLIENT, 3)
    found = world.explain(client=CLIENT)
    told = named(found, "limit per-client")
    assert (told["state"], told["observed"]) == ("denies", "0 of 2 left for this client")
    assert found["verdict"].startswith("stopped by limit per-client of route:orders: denied for")
    assert found["verdict"].endswith("then its fallback: respond")
    assert named(world.explain(client="192.0.2.8"), "limit per-client")["observed"] == "2 of 2 left for this client"
    assert named(world.explain(), "limit per-client")["observed"] == "a count for each client"


def test_isolations_are_told_with_who_and_why(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.overrides.isolate("upstream:api", "it leaks", "loopback", now(), note="ann")
    found = world.explain()
    assert named(found, "isolation")["observed"] == "loopback ann: it leaks"
    assert found["verdict"].startswith("stopped by isolation of upstream:api: isolated for another")
    world.overrides.isolate(f"client:{CLIENT}", "a scraper", "loopback", now())
    assert world.explain(client=CLIENT)["verdict"].startswith(f"stopped by isolation of client:{CLIENT}")


def test_nothing_is_charged_by_asking(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = bytes(world.board.memory)
    for _ in range(5):
        world.explain(client=CLIENT)
    assert bytes(world.board.memory) == before
