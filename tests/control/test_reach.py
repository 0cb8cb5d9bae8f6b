"""How much of the last minute's traffic a target carries, from the windows that the tick folds."""
from gateway.board import Board, Capacity, WorkerBoard
from gateway.control.places import Places
from gateway.control.reach import Reach, reach
from gateway.model import target as targets
from gateway.model.safeguards import SECOND


class Traffic:
    """Two routes, two upstreams with one endpoint each, two workers; a second of traffic at a time."""

    def __init__(self) -> None:
        self.board = Board.create(Capacity.room_for(2, 2, 2), boot_ns=1, boot_utc_ns=1)
        self.board.name_rows(["r", "s"], [("u", "h:1"), ("v", "h:1")], 1, upstreams=["u", "v"])
        self.ticker = WorkerBoard(self.board, 0).ticker()
        self.now = 1000 * SECOND
        self.ticker.run(self.now)

    def second(self, **requests: int) -> None:
        for name, count in requests.items():
            section = "routes" if name in "rs" else "upstreams"
            row = self.board.names(section)[name]
            self.board.counters(section, count % 2, row)["requests"] += count
            if section == "upstreams":
                self.board.counters("endpoints", 1, row)["requests"] += count
        for _ in range(10):
            self.now += SECOND // 10
            self.ticker.run(self.now)

    def of(self, target: str) -> Reach:
        return reach(self.board, Places(self.board), targets.parse(target), self.now)


def test_the_share_of_a_target_in_the_last_minute():
    traffic = Traffic()
    traffic.second(r=30, s=10, u=30, v=10)
    traffic.second(r=30, s=10, u=30, v=10)
    assert traffic.of("route:r").snapshot() == {"requests": 60, "total": 80, "share": 0.75, "seconds": 60}
    assert traffic.of("upstream:v").requests == 20
    assert traffic.of("endpoint:u/h:1").requests == 60
    assert traffic.of("endpoint:h:1").snapshot()["share"] == 1.0


def test_what_is_older_than_a_minute_does_not_count():
    traffic = Traffic()
    traffic.second(r=30)
    for _ in range(62):
        traffic.second(s=1)
    assert traffic.of("route:r") == Reach(0, traffic.of("route:s").requests or 0)


def test_without_traffic_there_is_no_share_and_of_a_client_nothing_is_known():
    assert Traffic().of("route:r").snapshot() == {"requests": 0, "total": 0, "share": None, "seconds": 60}
    assert Traffic().of("client:192.0.2.7").snapshot()["requests"] is None
