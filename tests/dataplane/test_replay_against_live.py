"""The requests of a real access log, sent through the data plane; its flight records replayed: the same is denied."""
import logging
import struct
from pathlib import Path

from data_path import Gateway, answer
from http_messages import message
from shared_data import shared

from gateway import _recorder
from gateway.board import OFFSETS
from gateway.board.capacity import CLIENT_LINES
from gateway.config import recorded
from gateway.config._replay import Decider
from gateway.config._requests import Clients, Requests
from gateway.model.decisions import Decision
from gateway.model.safeguards import SECOND, SHADOW, Limit
from gateway.record.spool import Spool
from gateway.routing.plan import Match, Route

ROUTES = (
    Route("pages", Match("/**"), upstream="api", limits=(
        Limit("shadowed", "route", 20, SECOND // 100, 20, SHADOW), Limit("each", "client", 1, SECOND // 50, 3),
        Limit("all", "route", 30, SECOND // 100, 60))),
    Route("files", Match("/files/**", methods=("GET",)), upstream="api", limits=(Limit("few", "route", 1, SECOND, 1),)),
)
Sent = tuple[bytes, bytes, bytes]


def logged() -> list[Sent]:
    """(method, path, client) of each request, in the order of its time."""
    requests = Requests(Clients((1, 2)))
    requests.read_lines(shared("access-logs/apache_logs").read_bytes())
    return [(method.encode(), path.encode("latin-1"), client.encode())
            for _, client, method, _, path in requests.rows_as_text()]


def decided_live(gateway: Gateway, sent: list[Sent], spool: Spool) -> list[tuple[int, bool]]:
    """(when, whether it was denied) of each request, as the flight recorder says, which is spooled meanwhile."""
    found, after = [], 0
    for number, (method, path, client) in enumerate(sent):
        if number % 500 == 0:
            spool.turn(0, 1.0)
        peer = gateway.client(client.decode())
        peer.says(message(f"{method.decode()} {path.decode('latin-1')} HTTP/1.1", "Host: h", "Connection: close",
                          *(["Content-Length: 0"] if method == b"POST" else [])))
        if gateway.waiting:
            gateway.connects().says(answer(b"", "Connection: close"))
        peer.vanishes()
        gateway.loop.run()
        gateway.loop.transports.clear()             # all are closed; the double asks each of them at every step
        [record], after, lost = _recorder.read(gateway.board.memory, gateway.board.ring(0).at, after, 2)
        assert lost == 0
        when, = struct.unpack_from("Q", record, OFFSETS["Record"]["started_ns"])
        found.append((when, record[OFFSETS["Record"]["decision"]] == Decision.LIMITED
                      and not record[OFFSETS["Record"]["flags"]] & 2))
    return found


def spool_of(gateway: Gateway, folder: Path) -> Spool:
    """As control spools, all of it."""
    spool = Spool(gateway.board, folder, logging.getLogger("spool"))
    spool.bound(2**30, 10**9)
    return spool


def replayed_from_segments(spool: Spool) -> list[bool]:
    """The same records, read back from the files."""
    spool.turn(0, 1.0)
    spool.close(0)
    decider, found = Decider(ROUTES, CLIENT_LINES * 4), []
    for requests in recorded.recorded(spool.folder, Clients((1, 2)), recorded.Told()):
        times = [each[0] for each in requests.rows_as_text()]
        assert times == sorted(times)
        found += [decision == "denied" for _, decision, _ in decider.decisions(requests)]
    return found


def test_a_replay_denies_just_what_the_data_plane_denied_on_the_same_clock(tmp_path: Path) -> None:
    sent = logged()
    gateway = Gateway(*ROUTES)
    spool = spool_of(gateway, tmp_path)
    live = decided_live(gateway, sent, spool)
    requests = Requests(Clients(gateway.rows.seed))
    requests.read_records((when, method, b"h", path, client)
                          for (when, _), (method, path, client) in zip(live, sent, strict=True))
    replayed = Decider(ROUTES, CLIENT_LINES * 4).decisions(requests)
    denied = [denied for _, denied in live]
    assert len(denied) == 10_000
    assert 0 < sum(denied) < 10_000                       # how many, depends on how fast this machine sends them
    assert [decision == "denied" for _, decision, _ in replayed] == denied
    assert replayed_from_segments(spool) == denied
