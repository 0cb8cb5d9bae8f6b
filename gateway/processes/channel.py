"""What supervisor and child say to each other: small JSON messages, with descriptors beside them, on a socket pair.

SOCK_SEQPACKET keeps message borders and reports the end of the other side. Everything frequent is on the board; here
go only the rare commands (adopt, release, drain, stop) and what should wake the supervisor (ready, draining).
"""

import array
import json
import socket
from collections.abc import Sequence
from typing import Any

LARGEST = 64 * 1024
DESCRIPTORS = 64
Message = dict[str, Any]


class ClosedError(ConnectionError):
    """The other side has ended."""


def pair() -> tuple["Channel", "Channel"]:
    """(supervisor's end, child's end); both non-blocking, closed on exec unless passed on."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Channel(ours), Channel(theirs)


class Channel:
    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock

    @classmethod
    def from_fd(cls, fd: int) -> "Channel":
        return cls(socket.socket(fileno=fd))

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> bool:
        """False when the other side has ended or does not read: both are seen and handled by its death or heartbeat."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            self._socket.sendmsg([json.dumps(message).encode()], rights)
        except (ConnectionError, BlockingIOError):
            return False
        return True

    def receive(self) -> tuple[Message, list[int]] | None:
        """The next message and its descriptors, which are the caller's to close; None when there is none yet.

        Raises ClosedError at the end.
        """
        try:
            data, rights, _, _ = self._socket.recvmsg(LARGEST, socket.CMSG_SPACE(4 * DESCRIPTORS))
        except BlockingIOError:
            return None
        except ConnectionError as error:
            raise ClosedError from error
        if not data:
            raise ClosedError
        return json.loads(data), _descriptors(rights)

    def close(self) -> None:
        self._socket.close()

    def __repr__(self) -> str:
        return f"<Channel fd {self._socket.fileno()}>"


def _descriptors(rights: Sequence[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)
