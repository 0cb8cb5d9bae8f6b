"""The event loop and its transports, doubled: what a peer says is kept until the gateway reads it, and what it does not
take is held back. Their habits are uvloop's. Nothing runs but in `Loop.run`, until nothing is left to do.
"""
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

READ_AT_ONCE = 256_000              # uvloop's receive buffer
EVERYTHING = 1 << 60


class Task:
    """What the plane keeps of a slow path under way."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], object]] = []

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        self._callbacks.append(callback)

    def end(self) -> None:
        for callback in self._callbacks:
            callback(self)


class Waiting(Protocol):
    """A coroutine, to this loop: what it will be known by."""

    task: Task


class Loop:
    """Runs what is ready and delivers what peers have said, until neither is left."""

    def __init__(self) -> None:
        self.ready: deque[Callable[[], object]] = deque()
        self.transports: list[Transport] = []

    def create_task(self, waiting: "Waiting") -> "Task":
        return waiting.task

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.ready.append(callback)

    def step(self) -> bool:
        if self.ready:
            self.ready.popleft()()
            return True
        return any(each.deliver() for each in self.transports)

    def run(self) -> None:
        while self.step():
            pass


class Transport:
    """One TCP connection, seen from the gateway. `room` is how many more bytes the peer takes at present.

    With a socket, the bytes go through that as well, as the gateway's own do where it writes to the descriptor.
    """

    def __init__(self, loop: Loop, protocol: Any, sock: Any = None) -> None:
        self._loop = loop
        self.protocol = protocol
        self._sock = sock
        self.inbox = bytearray()
        self.end_comes = False
        self.reset_comes = False
        self.taken = bytearray()
        self.room = EVERYTHING
        self.buffer = bytearray()
        self.high, self.low = 64 * 1024, 16 * 1024
        self.paused = False
        self.reading = False
        self.ending = False
        self.end_sent = False
        self.closing = False
        self.aborted = False
        self.broken = False                 # the next write finds that the connection is no more
        self.lost = False
        self._given_end = False
        loop.transports.append(self)

    def connect(self) -> None:
        self.protocol.connection_made(self)
        self.reading = not self.closing

    # ---- what the gateway calls

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.high, self.low = high, low

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._sock if name == "socket" else default

    def get_write_buffer_size(self) -> int:
        return len(self.buffer)

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.writelines((data,))

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        if self.lost or self.ending:
            raise RuntimeError("write after the end")
        if self.aborted:
            return
        if self.broken:
            self.closing = self.aborted = True
            self._loop.ready.append(lambda: self.lose(BrokenPipeError()))
            return
        for piece in pieces:
            self.buffer += piece
        self._flush()
        if len(self.buffer) > self.high and not self.paused:
            self.paused = True
            self.protocol.pause_writing()

    def write_eof(self) -> None:
        if self.lost:
            raise RuntimeError("the end of a connection that is lost")
        self.ending = True
        self._flush()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = not self.closing

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.reading = False
            self._flush()

    def abort(self) -> None:
        if not self.aborted and not self.lost:
            self.closing = self.aborted = True
            self.reading = False
            self._loop.ready.append(lambda: self.lose(None))

    def _flush(self) -> None:
        size = min(self.room, len(self.buffer))
        if size and self._sock is not None:
            size = self._into_kernel(size)
        self.taken += self.buffer[:size]
        del self.buffer[:size]
        self.room -= size
        if self.buffer or self.aborted:
            return
        self.end_sent = self.end_sent or self.ending or self.closing
        if self.closing:
            self._loop.ready.append(lambda: self.lose(None))

    def _into_kernel(self, size: int) -> int:
        try:
            return int(self._sock.send(self.buffer[:size], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL))
        except BlockingIOError:
            return 0

    # ---- what the network does

    def deliver(self) -> bool:
        """Give the protocol the next thing that its peer did; False: there is nothing, or it does not read."""
        if not self.reading or self.lost:
            return False
        if self.reset_comes:
            self.closing = self.aborted = True
            self.lose(ConnectionResetError())
        elif self.inbox:
            data = bytes(self.inbox[:READ_AT_ONCE])
            del self.inbox[:READ_AT_ONCE]
            self.protocol.data_received(data)
        elif self.end_comes and not self._given_end:
            self._given_end = True
            if self.protocol.eof_received():
                self.reading = False
            else:
                self.close()
        else:
            return False
        return True

    def take(self, size: int) -> None:
        self.room += size
        self._flush()
        if self.paused and len(self.buffer) <= self.low and not self.lost:
            self.paused = False
            self.protocol.resume_writing()

    def lose(self, error: Exception | None) -> None:
        if not self.lost:
            self.lost = True
            self.reading = False
            self.protocol.connection_lost(error)


class Peer:
    """A client or a server, at the other end of a connection of the gateway's."""

    def __init__(self, loop: Loop, connection: Any, sock: Any = None, *, reads: bool = True) -> None:
        self.connection = connection
        self.transport = Transport(loop, connection, sock)
        self.transport.room = EVERYTHING if reads else 0
        self._loop = loop
        self._heard = 0
        self.transport.connect()

    def says(self, data: bytes) -> None:
        self.transport.inbox += data
        self._loop.run()

    def says_byte_by_byte(self, data: bytes) -> None:
        for at in range(len(data)):
            self.says(data[at:at + 1])

    def hears(self) -> bytes:
        """What came since the last look."""
        new = bytes(self.transport.taken[self._heard:])
        self._heard = len(self.transport.taken)
        return new

    def ends(self) -> None:
        """It has said all (FIN)."""
        self.transport.end_comes = True
        self._loop.run()

    def vanishes(self) -> None:
        """Its connection breaks (RST)."""
        self.transport.reset_comes = True
        self._loop.run()

    def stops_reading(self) -> None:
        self.transport.room = 0

    def reads(self, size: int = EVERYTHING) -> None:
        self.transport.take(size)
        self._loop.run()

    @property
    def heard_the_end(self) -> bool:
        """The gateway has ended cleanly."""
        return self.transport.end_sent and not self.transport.aborted

    @property
    def was_reset(self) -> bool:
        return self.transport.aborted

    @property
    def is_held(self) -> bool:
        """The gateway does not read from it, though the connection is open."""
        return not self.transport.reading and not self.transport.closing

    @property
    def is_gone(self) -> bool:
        return self.transport.lost

    def __repr__(self) -> str:
        return f"<Peer of {self.connection}>"
