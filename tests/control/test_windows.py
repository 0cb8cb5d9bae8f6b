"""What was added each second, summed over the workers; a tick in the store each ten; a gap is no surge."""
import logging
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from gateway import _fastpath
from gateway.control.counters import COUNTED
from gateway.control.windows import SECONDS, Tick, Windows, quantiles
from gateway.record.ticks import TICK, microseconds
from gateway.record.window_store import GATEWAY, WindowStore
from tests.control.board_traffic import BoardTraffic

START = 1_700_000_000               # a whole tick


class Scene(BoardTraffic):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.store: WindowStore | None = WindowStore(folder / "windows.sqlite", 2**30)
        self.windows = Windows(self.board, lambda: self.store, logging.getLogger("test"))
        self.now = START
        self.windows.turn(self.now)

    def second(self, count: int = 1) -> list[Tick]:
        """Let so many seconds pass; the ticks that ended."""
        ended = []
        for _ in range(count):
            self.now += 1
            ended.append(self.windows.turn(self.now))
        return [each for each in ended if each]

    def last(self, name: str, seconds: int = 1) -> dict[str, int]:
        sums = self.windows.sums(seconds)[self.windows.names.index(name)]
        return {field: int(value) for field, value in zip(COUNTED, sums, strict=True) if value}


def folded(scene: Scene) -> int:
    assert scene.store is not None
    return int(scene.store._connection.execute("SELECT count(*) FROM days").fetchone()[0])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_whole_hour_is_folded_between_the_turns(scene: Scene) -> None:
    assert scene.store is not None
    hour = START + 3600 - START % 3600
    scene.store.append(hour - 10, {"route:a": np.ones(1, TICK)})
    scene.windows.tidy(hour - 1)
    assert folded(scene) == 0
    scene.windows.tidy(hour)
    assert folded(scene) == 1


def test_a_second_holds_what_all_workers_added_in_it(scene: Scene) -> None:
    scene.served("a", 3, worker=0)
    scene.served("a", 2, status=503, worker=1)
    scene.served("b", status=404)
    scene.asked("h:2", 4, failed=True)
    scene.second()
    assert scene.last("route:a") == {"requests": 5, "errors": 2, "latency_ms": 25}
    assert scene.last("route:b") == {"requests": 1, "client_errors": 1, "latency_ms": 5}
    assert scene.last("endpoint:u/h:2") == {"requests": 4, "errors": 4, "latency_ms": 20}
    scene.second()
    assert scene.last("route:a") == {}
    assert scene.last("route:a", 2)["requests"] == 5


def test_an_answer_that_never_came_is_an_error_unless_its_client_left(scene: Scene) -> None:
    scene.served("a", 3, status=0)
    scene.board.route(0, scene.board.names("routes")["a"])["client_gone"] = 2
    scene.second()
    assert scene.last("route:a")["errors"] == 1


def test_the_history_is_bounded_and_the_oldest_first(scene: Scene) -> None:
    for count in (1, 2):
        scene.served("a", count)
        scene.second()
    assert scene.windows.history("route:a")[:, 0].tolist() == [1, 2]
    scene.second(SECONDS)
    assert len(scene.windows.history("route:a")) == SECONDS
    assert scene.windows.history("route:a").sum() == 0


def test_ten_seconds_go_to_the_store_with_their_latencies(scene: Scene) -> None:
    scene.second(10)
    scene.served("a", 99, ms=5)
    scene.served("a", 1, ms=800)
    tick, = scene.second(10)
    kept = scene.store.read("route:a", START + 10, START + 20)
    assert (tick.at, int(kept["requests"][0])) == (START + 10, 100)
    assert microseconds(kept["total_p50"])[0] == pytest.approx(5000, rel=0.04)
    assert scene.store.read(GATEWAY, START + 10, START + 20)["requests"].tolist() == [100]
    assert "route:b" not in scene.store.series()


def test_a_tick_without_any_request_tells_that_the_gateway_ran(scene: Scene) -> None:
    scene.second(20)
    assert scene.store.up(START, START + 20).tolist() == [False, True]


def test_what_happened_while_nobody_looked_is_no_surge(scene: Scene) -> None:
    scene.served("a", 1000)
    scene.now += 60
    assert scene.windows.turn(scene.now) is None
    scene.served("a", 1)
    scene.second()
    assert scene.last("route:a", 60)["requests"] == 1


def test_a_clock_that_is_set_back_begins_anew(scene: Scene) -> None:
    scene.now -= 3600
    assert scene.windows.turn(scene.now) is None
    scene.served("a")
    scene.second()
    assert scene.last("route:a")["requests"] == 1


def test_new_names_get_a_history_and_no_other_targets_past(scene: Scene) -> None:
    scene.served("a", 7)
    scene.second()
    scene.name("a", "b", "c")
    scene.second()
    scene.served("c", 2)
    scene.asked("h:1", 3)
    scene.second()
    assert scene.last("route:c")["requests"] == 2
    assert scene.last("endpoint:u/h:1", 60)["requests"] == 3
    assert scene.windows.fault == ""


def test_a_database_that_fails_is_a_fault_to_show_and_the_seconds_go_on(scene: Scene, tmp_path: Path) -> None:
    broken = sqlite3.connect(tmp_path / "windows.sqlite")
    broken.execute("DROP TABLE journal")
    broken.commit()
    broken.close()
    scene.served("a", 4)
    scene.second(20)
    assert "journal" in scene.windows.fault
    assert scene.last("route:a", 20)["requests"] == 4


def test_quantiles_of_rows_are_those_of_one_row() -> None:
    rows = np.zeros((2, 384), np.uint32)
    rows[0, [3, 40]] = 9, 1
    median, tail = quantiles(rows, 0.5, 0.99)
    assert median[0] == 3.0
    assert tail[0] == _fastpath.quantile(rows[0].astype(np.uint64).tobytes(), 0.99)
    assert np.isnan(median[1])
