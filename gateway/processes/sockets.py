"""Listening sockets: made once by the supervisor, so that no death of a child closes one or loses who waits in it.

- TCP: one SO_REUSEPORT socket per worker and listener; the kernel spreads new connections over them.
- Unix: one socket per listener, shared by all workers.
- A foreign listener on the same address would silently share its traffic with us (SO_REUSEPORT) or be unseen, so a bind
  without SO_REUSEPORT probes first. It is tried for PROBE_SECONDS: children of a killed predecessor may still be dying.
- A Unix path that nobody answers on is stale and removed; the state folder's lock, held by then, keeps two starting
  gateways apart.
"""

import contextlib
import ctypes
import errno
import ipaddress
import os
import socket
import stat
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

BACKLOG = 4096
PROBE_SECONDS = 1.0
SO_ATTACH_FILTER = 26
UNIX = "unix:"


class ListenError(RuntimeError):
    """An address cannot be listened on; the message says why and what to do."""


@dataclass(slots=True)
class ListenerSockets:
    """The sockets of one listener: one per worker, or the same one for all on a Unix path."""

    index: int
    address: str
    sockets: list[socket.socket] = field(default_factory=list)

    def of(self, worker: int) -> socket.socket:
        return self.sockets[worker % len(self.sockets)]

    @property
    def bound(self) -> str:
        """The address as bound, a port 0 resolved."""
        if self.address.startswith(UNIX):
            return self.address
        host, port = self.sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def refuse_new(self) -> None:
        """Let nobody else in: who is connected by now, and only they, can be accepted before the close."""
        if self.address.startswith(UNIX) and self.sockets:
            Path(self.address.removeprefix(UNIX)).unlink(missing_ok=True)
            return
        for sock in self.sockets:
            drop_new_connections(sock)

    def close(self) -> None:
        """Close our own descriptors; those of children go on."""
        while self.sockets:
            self.sockets.pop().close()


def listen(index: int, address: str, workers: int) -> ListenerSockets:
    """Open the sockets of a listener. Raises ListenError."""
    try:
        if address.startswith(UNIX):
            return ListenerSockets(index, address, [_unix(Path(address.removeprefix(UNIX)))])
        return ListenerSockets(index, address, _tcp(address, workers))
    except (OSError, ValueError) as error:
        raise ListenError(f"cannot listen on {address}: {_advice(error)}") from error


def listen_admin(address: str, has_tokens: bool = False) -> ListenerSockets:
    """Open the admin address, which must be of this machine alone while there are no tokens. Raises ListenError."""
    if not address.startswith(UNIX):
        try:
            _, target = resolve(address)
        except (OSError, ValueError) as error:
            raise ListenError(f"cannot listen on {address}: {error}") from error
        if not has_tokens and not ipaddress.ip_address(target[0]).is_loopback:
            raise ListenError(
                f"the admin address {address} can be reached from other machines, and there are no tokens; make one "
                f"with `gateway token add NAME --role admin`, or use 127.0.0.1:{target[1]} and a tunnel"
            )
    return listen(0, address, 1)


def _tcp(address: str, workers: int) -> list[socket.socket]:
    family, target = resolve(address)
    if target[1]:
        _probe(family, target)
    first = _bound(family, target, shared=True)
    target = first.getsockname()
    sockets = [first, *(_bound(family, target, shared=True) for _ in range(workers - 1))]
    for sock in sockets:
        sock.listen(BACKLOG)
    return sockets


def resolve(address: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Family and socket address of host:port, [v6]:port or :port (every IPv4 address). Raises OSError, ValueError."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    found = socket.getaddrinfo(host or "0.0.0.0", int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)  # noqa: S104
    family, _, _, _, target = found[0]
    return family, (str(target[0]), int(target[1]))


def _bound(family: socket.AddressFamily, target: tuple[str, int], *, shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(target)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _probe(family: socket.AddressFamily, target: tuple[str, int]) -> None:
    """Find a foreign listener while that can still be seen."""
    deadline = time.monotonic() + PROBE_SECONDS
    while True:
        try:
            _bound(family, target, shared=False).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _unix(path: Path) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale(path: Path) -> None:
    """Remove a socket file that nobody listens on; leave anything else alone and raise EADDRINUSE."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "there is a file that is not a socket; move it away")
        deadline = time.monotonic() + PROBE_SECONDS
        while _answers(path):
            if time.monotonic() > deadline:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            time.sleep(0.02)
        path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            sock.connect(str(path))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:                 # its queue is full: somebody listens
            return True
        return True


def _advice(error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return f"{error}; write host:port, [v6]:port or unix:/path"
    match error.errno:
        case errno.EADDRINUSE:
            return "another process listens there; `ss -lxtnp` names it: stop it, or choose another address"
        case errno.EACCES:
            return "permission denied; choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; choose one that `ip address` lists"
    return error.strerror or str(error)


_DROP_SYN = (                                   # (code, jump if true, jump if false, operand) of classic BPF
    (0x30, 0, 0, 13),                           # load byte 13: the flags
    (0x45, 0, 1, 0x02),                         # SYN set?
    (0x06, 0, 0, 0),                            # drop
    (0x06, 0, 0, 0xFFFF_FFFF),                  # pass
)


def drop_new_connections(sock: socket.socket) -> None:
    """Have a listening TCP socket ignore SYNs, so that after the next EAGAIN of `accept` its queue stays empty.

    Without this, a connection that is established between the last `accept` and the close is reset. A socket filter
    sees the segment from the TCP header on. A client that meets it sends its SYN again after a second and is refused
    then. Handshakes under way complete, as their ACK passes.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in _DROP_SYN))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(_DROP_SYN), ctypes.addressof(program)))
