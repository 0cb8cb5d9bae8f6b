"""Connections from a listening socket that the supervisor shares with us.

We accept ourselves instead of giving the socket to `loop.create_server`, for what that does (uvloop 0.23, libuv 1.52):
at EMFILE it accepts and closes at once what waits in the queue, without a word; it calls the protocol factory before
the TLS handshake and never tells when one fails, so that such connections are in nobody's count; and it closes the
queue it was given with what is in it. Here:

- the socket is duplicated, so that stopping closes our descriptor and leaves the supervisor's queue alone;
- at EMFILE and the like, connections stay in the queue, one line is logged, and we look again after 100 ms;
- a connection counts as *opening* from accept to `connection_made`: PROXY header, TLS handshake. Then it is the
  protocol's, and only then was the factory's protocol told. All of it within the client's head time-out;
- `drain_queue_and_close` leaves no connection in the queue behind.

A task is made per connection, not per request: 9 µs of the 45 µs that a connection of one request costs.
"""

import asyncio
import errno
import functools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable

from gateway.dataplane import proxy_protocol
from gateway.dataplane.tls import ServerContexts
from gateway.dataplane.tls_transport import TlsTransport
from gateway.dataplane.trusted import TrustedProxies

# (address, port) of the client, from the PROXY header if there is one; None for a client of a Unix socket.
Peer = tuple[str, int] | None
ProtocolFactory = Callable[[Peer], asyncio.BaseProtocol]

# Taken at one wake-up, so that a burst of clients does not hold up those who are being served: about 1 ms.
BATCH = 16
PAUSE_S = 0.1
OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


async def serve(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    protocol_factory: ProtocolFactory,
    *,
    tls: ServerContexts | None,
    proxy: bool,
    trusted: TrustedProxies,
    head_timeout_s: float,
    log: logging.Logger,
) -> "Accepting":
    """Begin to accept on `sock`, which is listening already and stays the caller's."""
    opening = Opening(loop, protocol_factory, tls, trusted if proxy else None, head_timeout_s, log)
    accepting = Accepting(loop, sock.dup(), opening, log)
    accepting.start()
    return accepting


class Opening:
    """From an accepted socket to a protocol that is connected: PROXY header, then TLS, then `connection_made`.

    Mutable state: the tasks under way and the counts of how they ended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol_factory: ProtocolFactory,
        tls: ServerContexts | None,
        proxies: TrustedProxies | None,
        timeout_s: float,
        log: logging.Logger,
    ) -> None:
        self._loop = loop
        self._factory = protocol_factory
        self._proxies = proxies
        self._timeout_s = timeout_s
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        self._tls = tls
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, sock: socket.socket, peer: Peer) -> None:
        task = self._loop.create_task(self._open(sock, peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def abort(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _open(self, sock: socket.socket, peer: Peer) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._proxies is not None:
                    peer = await self._proxied(self._proxies, sock, peer)
                await self._connect(sock, functools.partial(self._factory, peer))
            self.counts["opened"] += 1
        except (OSError, proxy_protocol.ProxyFault) as error:
            self._refuse(sock, peer, error)
        except asyncio.CancelledError:
            sock.close()
            raise
        except Exception:
            sock.close()
            self._log.exception("a connection could not be opened; please report this")

    async def _proxied(self, proxies: TrustedProxies, sock: socket.socket, peer: Peer) -> Peer:
        if not proxies.trusts(peer[0] if peer else ""):
            raise proxy_protocol.ProxyFault("the peer is not in clients.trusted_proxies")
        header = await proxy_protocol.read_header(self._loop, sock)
        return header.client or peer

    async def _connect(self, sock: socket.socket, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        if self._tls is None:
            await self._loop.connect_accepted_socket(factory, sock)
            return
        transport = TlsTransport(self._loop, factory, self._tls.context)
        await self._loop.connect_accepted_socket(lambda: transport, sock)
        await transport.handshake()

    def _refuse(self, sock: socket.socket, peer: Peer, error: Exception) -> None:
        """Closed without an answer: whoever it is does not speak the listener's protocol, or has gone."""
        sock.close()
        self.counts[_why(error)] += 1
        self._log.debug("connection from %s not opened: %s", peer[0] if peer else "a Unix socket", error)


def _why(error: Exception) -> str:
    if isinstance(error, proxy_protocol.ProxyFault):
        return "proxy_refused"
    if isinstance(error, TimeoutError):
        return "open_timeout"
    return "tls_failed" if isinstance(error, ssl.SSLError) else "client_gone"


class Accepting:
    """Accepting on our own descriptor of one listening socket. Mutable state: `_sock`, None once closed."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, opening: Opening, log: logging.Logger
    ) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._sock: socket.socket | None = sock
        self._opening = opening
        self._log = log
        self._paused: asyncio.TimerHandle | None = None
        self._complained = False

    def __repr__(self) -> str:
        return f"Accepting({self.snapshot()})"

    @property
    def opening(self) -> int:
        """Connections accepted that no protocol knows of yet; they take descriptors, and a drain waits for them."""
        return len(self._opening)

    def snapshot(self) -> dict[str, int]:
        """How many were accepted, opened, and not opened: proxy_refused, open_timeout, tls_failed, client_gone."""
        return {**self._opening.counts, "opening": self.opening}

    def start(self) -> None:
        if self._sock is not None:
            self._loop.add_reader(self._sock, self._take_batch)

    def stop(self) -> None:
        """Stop accepting and close our descriptor; whoever shares the socket goes on with its queue."""
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.remove_reader(sock)
            sock.close()
        if self._paused is not None:
            self._paused.cancel()

    def drain_queue_and_close(self) -> int:
        """Take what is in the queue, and close; returns how many were taken. They count as `opening` at first.

        A client that comes between our last accept and the last close of the socket would be reset: the supervisor
        has the kernel drop new SYNs before it asks for this.
        """
        if self._sock is None:
            return 0
        taken = 0
        while self._take_one():
            taken += 1
        self.stop()
        return taken

    def abort_opening(self) -> None:
        """Drop the connections that are still opening: at the end of a drain."""
        self._opening.abort()

    def _take_batch(self) -> None:
        for _ in range(BATCH):
            if not self._take_one():
                break

    def _take_one(self) -> bool:
        """Whether to go on: False when the queue is empty or nothing can be taken now."""
        assert self._sock is not None
        try:
            sock, address = self._sock.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            return self._on_accept_error(error)
        self._complained = False
        self._opening.counts["accepted"] += 1
        sock.setblocking(False)
        self._opening.begin(sock, _peer(address))
        return True

    def _on_accept_error(self, error: OSError) -> bool:
        """A client that gave up in the queue is passed over; without descriptors we come back after a pause."""
        if error.errno not in OUT_OF_DESCRIPTORS:
            return True
        if not self._complained:
            self._complained = True
            self._log.error("cannot accept connections (%s); they wait in the queue: raise the limit on open files "
                            "or lower max_connections", error.strerror)
        self._pause()
        return False

    def _pause(self) -> None:
        if self._sock is not None:
            self._loop.remove_reader(self._sock)
            self._paused = self._loop.call_later(PAUSE_S, self._resume)

    def _resume(self) -> None:
        self._paused = None
        if self._sock is not None:
            self._loop.add_reader(self._sock, self._take_batch)


def _peer(address: object) -> Peer:
    """(address, port) of a TCP client, an IPv4 one on a dual-stack socket as such; None on a Unix socket."""
    if not isinstance(address, tuple):
        return None
    text = str(address[0])
    mapped = text.removeprefix("::ffff:")
    return (text if ":" in mapped else mapped), int(address[1])
