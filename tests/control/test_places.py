"""Where on the board a target is."""
from gateway.board import Board, Capacity
from gateway.control.places import Places
from gateway.model.target import Target


def test_endpoints_are_found_in_one_upstream_or_in_all():
    board = Board.create(Capacity.room_for(1, 1, 2), boot_ns=1, boot_utc_ns=1)
    board.name_rows(["orders"], [("a", "h:1"), ("b", "h:1"), ("b", "unix:/run/x")], 1, upstreams=["a", "b"])
    places = Places(board)
    assert places.rows(Target("endpoint", "h:1")) == [0, 1]
    assert places.rows(Target("endpoint", "b/h:1")) == [1]
    assert places.rows(Target("endpoint", "unix:/run/x")) == [2]
    assert places.rows(Target("upstream", "b")) == [1]
    assert list(places.names("endpoint")) == ["a/h:1", "b/h:1", "b/unix:/run/x"]


def test_what_has_no_place_has_no_rows():
    board = Board.create(Capacity.room_for(1, 1, 1), boot_ns=1, boot_utc_ns=1)
    board.name_rows(["orders"], [], 1)
    places = Places(board)
    assert [places.rows(target) for target in (Target("route", "-"), Target("route", "x"), Target("client", "h"))] == [
        [], [], []]
    assert places.names("client") == {}
    board.name_rows(["orders", "x"], [], 2)
    assert places.rows(Target("route", "x")) == [2], "row 0 is that of requests without a route"
