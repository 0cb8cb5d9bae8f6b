"""The board: the table is the layout, rows are found by name, and what a process counted outlives it."""
import itertools
import os

import pytest

from gateway import _fastpath, _gates, _limiter, _recorder, _tick, board

ROUTES = ("list", "show")
ENDPOINTS = (("orders", "127.0.0.1:9001"), ("orders", "127.0.0.1:9002"))


def make_board(workers: int = 2) -> board.Board:
    capacity = board.Capacity.room_for(workers, len(ROUTES), len(ENDPOINTS))
    made = board.Board.create(capacity, boot_ns=7, boot_utc_ns=8)
    made.name_rows(ROUTES, ENDPOINTS, generation=1)
    return made


COMPILED = _fastpath.layout() | _limiter.layout() | _gates.layout() | _recorder.layout() | _tick.layout()


@pytest.mark.parametrize("kind", sorted(COMPILED))
def test_the_table_is_what_the_compiler_made(kind: str) -> None:
    assert board.OFFSETS[kind] == COMPILED[kind]


def test_rows_begin_on_a_cache_line_and_do_not_overlap() -> None:
    made = make_board()
    rows = [made.header, *(made.slot(index) for index in range(3))]
    rows += [made.route(worker, row) for worker in range(2) for row in range(64)]
    rows += [made.endpoint(worker, row) for worker in range(2) for row in range(64)]
    rows += [made.counters("upstreams", worker, row) for worker in range(2) for row in range(64)]
    rows += [made.limiter(worker) for worker in range(2)]
    rows += [each(section, row) for each in (made.control, made.window) for section in board.TARGETS
             for row in range(64)]
    rows += [each(row) for each in (made.params, made.limit) for row in range(64)]
    rows += [made.tick(), made.ring(0), made.ring(1)]
    spans = sorted((row.at, row.at + board.SIZE[row.kind]) for row in rows)
    assert all(start % board.ALIGNMENT == 0 for start, _ in spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert spans[-1][1] + 1024 * board.SIZE["Record"] == made.header["bytes"] == len(made.memory)


def test_every_section_of_the_board_begins_where_the_one_before_it_has_ended() -> None:
    made = make_board()
    starts = [made.header[field] for field in board.OFFSETS["Header"] if field.endswith("_at")]
    assert starts == sorted(set(starts))
    assert made.header["permits_at"] <= made.permit_at(0, 0)
    assert made.permit_at(1, made.targets - 1) + 8 <= made.header["limits_at"]


def test_routes_upstreams_and_endpoints_are_numbered_as_one_row_of_targets() -> None:
    made = make_board()
    assert (made.target("routes", 1), made.target("upstreams", 0), made.target("endpoints", 63)) == (1, 64, 191)
    with pytest.raises(IndexError, match="64 endpoints, not a row 64"):
        made.target("endpoints", 64)


def test_the_permits_of_a_dead_worker_are_reclaimed_and_those_of_the_living_kept() -> None:
    made = make_board()
    dead, living = (_gates.Bulkhead(*board.WorkerBoard(made, worker).permits("routes", "show")) for worker in (0, 1))
    assert [dead.take(9), dead.take(9), living.take(9)] == [True] * 3
    made.clear_gauges(0)
    assert made.in_flight("routes", made.names("routes")["show"]) == living.in_flight() == 1


def test_a_limit_is_found_by_its_route_and_name_and_keeps_its_row() -> None:
    made = make_board()
    made.name_rows(ROUTES, ENDPOINTS, 2, upstreams=["orders"], limits=[("list", "a"), ("show", "a")])
    before = board.WorkerBoard(made, 0).limit("show", "a")
    made.name_rows(ROUTES, ENDPOINTS, 3, upstreams=["orders"], limits=[("show", "a"), ("show", "b")])
    assert board.WorkerBoard(made, 1).limit("show", "a") == before
    assert made.header["limits_used"] == 3


def test_a_table_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="client_lines must be a power of two, not 3"):
        board.Capacity(1, 1, 1, client_lines=3)


def test_a_child_that_maps_the_board_sees_what_the_supervisor_wrote() -> None:
    made = make_board()
    mapped = board.Board.attach(os.dup(made.fd))
    made.slot(1)["connections"] = 42
    assert mapped.slot(1)["connections"] == 42
    assert mapped.names("routes") == {"-": 0, "list": 1, "show": 2}


def test_a_descriptor_that_is_no_board_is_refused() -> None:
    fd = os.memfd_create("other")
    os.ftruncate(fd, 4096)
    with pytest.raises(ValueError, match="not a board"):
        board.Board.attach(fd)


def test_a_request_counted_at_an_address_is_read_by_name() -> None:
    made = make_board()
    row = board.WorkerBoard(made, 1).route_row("show")
    _fastpath.count_request_at(row, 204, 1500, 900, 12, 10, 20)
    read = made.route(1, made.names("routes")["show"])
    assert read["requests"] == 1
    assert read.items("answers", 6) == [0, 0, 1, 0, 0, 0]
    assert made.route(0, made.names("routes")["show"])["requests"] == 0


def test_a_later_plan_keeps_the_rows_of_the_names_it_keeps() -> None:
    made = make_board()
    made.name_rows(("new", "show"), ENDPOINTS, generation=2)
    assert made.names("routes") == {"-": 0, "list": 1, "show": 2, "new": 3}


def test_a_plan_that_does_not_fit_is_refused_with_the_limit() -> None:
    made = make_board()
    many = [f"r{number}" for number in range(64)]
    with pytest.raises(board.BoardFullError, match="more than 64 routes"):
        made.name_rows(many, (), generation=2)
    with pytest.raises(board.BoardFullError, match="longer than 224 bytes"):
        made.name_rows(("é" * 113,), (), generation=2)


def test_a_dead_workers_gauges_are_cleared_and_its_counters_kept() -> None:
    made = make_board()
    endpoint = made.endpoint(0, 1)
    endpoint["active"], endpoint["requests"] = 5, 9
    made.slot(0)["connections"], made.slot(0)["restarts"] = 3, 2
    made.clear_gauges(0)
    assert (endpoint["active"], endpoint["requests"]) == (0, 9)
    assert (made.slot(0)["connections"], made.slot(0)["restarts"]) == (0, 2)


def test_a_name_without_a_row_is_a_key_error() -> None:
    rows = board.WorkerBoard(make_board(), 0)
    with pytest.raises(KeyError):
        rows.route_row("absent")
    with pytest.raises(KeyError):
        rows.endpoint_row("orders", "127.0.0.1:9")
    assert rows.endpoint_row("orders", "127.0.0.1:9002") - rows.endpoint_row("orders", "127.0.0.1:9001") == 1600


def test_the_ring_of_a_worker_that_may_come_later_takes_no_memory_before_it_comes() -> None:
    capacity = board.Capacity(4, 64, 64, ring_records=1 << 14)
    made = board.Board.create(capacity, boot_ns=7, boot_utc_ns=8, workers=1)
    before = os.fstat(made.fd).st_blocks * 512
    assert (made.header["workers_used"], made.ring(1)["records"]) == (1, 0)
    made.take_ring(1)
    assert made.ring(1)["records"] == 1 << 14
    ring = board.SIZE["Record"] << 14
    assert ring <= os.fstat(made.fd).st_blocks * 512 - before < ring + (1 << 16)


def test_the_crew_are_those_that_there_should_be_and_those_that_have_not_left_yet() -> None:
    made = board.Board.create(board.Capacity(4, 64, 64), boot_ns=7, boot_utc_ns=8, workers=3)
    assert made.crew() == [0, 1, 2]
    made.slot(2)["state"], made.header["workers_used"] = board.State.DRAINING, 1
    assert made.crew() == [0, 2]
    made.slot(2)["state"] = board.State.EMPTY
    assert made.crew() == [0]


@pytest.mark.parametrize(("workers", "room"), [(1, 4), (2, 4), (3, 6), (8, 16), (64, 72)])
def test_a_crew_has_room_to_grow(workers: int, room: int) -> None:
    assert board.worker_room(workers) == room
