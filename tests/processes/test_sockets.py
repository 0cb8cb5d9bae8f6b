"""Listening sockets: one per worker, a foreign listener found before any is made, a stale path removed and no other."""
import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.processes import sockets


@contextlib.contextmanager
def listening(address: str, workers: int = 2) -> Iterator[sockets.ListenerSockets]:
    opened = sockets.listen(0, address, workers)
    try:
        yield opened
    finally:
        opened.close()


def port_of(opened: sockets.ListenerSockets) -> int:
    return int(opened.bound.rpartition(":")[2])


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", ":0"])
def test_each_worker_has_a_socket_of_its_own_on_the_same_port(address: str) -> None:
    with listening(address, 3) as opened:
        names = {sock.getsockname()[:2] for sock in opened.sockets}
        assert len(opened.sockets) == 3
        assert len(names) == 1
        assert opened.of(1) is opened.sockets[1]


def test_a_foreign_listener_is_found_even_if_it_would_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PROBE_SECONDS", 0.0)
    with socket.socket() as foreign:
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        with pytest.raises(sockets.ListenError, match="another process listens there; `ss -lxtnp` names it"):
            sockets.listen(0, f"127.0.0.1:{foreign.getsockname()[1]}", 2)


def test_connections_that_wait_survive_the_refusal_of_new_ones() -> None:
    with listening("127.0.0.1:0", 1) as opened:
        port = port_of(opened)
        with socket.create_connection(("127.0.0.1", port)) as early, socket.socket() as late:
            opened.refuse_new()
            late.setblocking(False)
            assert late.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS
            accepted, _ = opened.of(0).accept()
            with accepted:
                assert accepted.getpeername() == early.getsockname()
            with pytest.raises(BlockingIOError):
                opened.of(0).accept()


def test_a_stale_path_is_taken_over_and_a_refused_one_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with listening(f"unix:{path}") as opened:
        assert opened.bound == f"unix:{path}"
        assert opened.of(0) is opened.of(1)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        opened.refuse_new()
        assert not path.exists()


def test_a_path_that_somebody_listens_on_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PROBE_SECONDS", 0.0)
    path = tmp_path / "gateway.sock"
    with listening(f"unix:{path}"), pytest.raises(sockets.ListenError, match="another process listens there"):
        sockets.listen(0, f"unix:{path}", 1)
    assert path.exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("keep me")
    with pytest.raises(sockets.ListenError, match="not a socket; move it away"):
        sockets.listen(0, f"unix:{path}", 1)
    assert path.read_text() == "keep me"


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", ":0"])
def test_an_admin_address_that_others_can_reach_is_refused(address: str) -> None:
    with pytest.raises(sockets.ListenError, match="can be reached from other machines"):
        sockets.listen_admin(address)


def test_an_address_that_is_not_ours_says_so() -> None:
    with pytest.raises(sockets.ListenError, match="this machine has no such address"):
        sockets.listen(0, "192.0.2.1:8080", 1)


def test_an_address_without_a_port_says_how_to_write_one() -> None:
    with pytest.raises(sockets.ListenError, match="write host:port"):
        sockets.listen(0, "localhost", 1)
