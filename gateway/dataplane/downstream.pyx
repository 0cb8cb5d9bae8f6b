"""A client's connection: requests one after the other, in order, one exchange at a time.

States, told by fields rather than by an enum, since each is a fact that something reads:
    idle        no exchange, nothing pending: keep-alive deadline
    head        a partial head is pending: head deadline, set by its first byte and not moved by later ones
    in flight   `exchange`: bytes go to its request's body, or wait in `pending` behind it
    tunnel      `exchange.tunnel`: bytes go to the other side
    lingering   the last answer is written: read and throw away up to 64 KiB for up to 2 s, or a client that is still
                sending would get a reset and lose the answer (RFC 9112 9.6)
    closed
"""
from libc.stdint cimport uint64_t

from gateway._fastpath cimport NOT_MEASURED, clock_ns, count_request
from gateway.dataplane.endings cimport break_down, client_gone
from gateway.dataplane.exchange cimport Exchange, take_exchange
from gateway.dataplane.http1 cimport Head, scan_request
from gateway.dataplane.own_answers cimport refuse
from gateway.dataplane.plane cimport Door, Plane
from gateway.dataplane.refusals cimport (
    BODY_TIMEOUT, HEAD_TIMEOUT, TOO_MANY_CONNECTIONS, refusal_answer, refusal_of_fault, status_of, text_of_fault,
)
from gateway.dataplane.side cimport HOLD_LINGER, HOLD_PEER_FULL, HOLD_PIPELINE
from gateway.dataplane.sockets cimport probe_dead_peers, reset_on_close
from gateway.dataplane.tunnel cimport tunnel_data, tunnel_eof
from gateway.dataplane.turns cimport LARGE_READ

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE


cdef enum:
    MAX_PENDING = 64 * 1024         # requests that wait behind the present one
    MAX_LINGER = 64 * 1024

cdef Head REQUEST_HEAD              # filled and read within one callback; the worker has one thread


cdef class DownstreamConnection(ClientSide):
    """asyncio protocol. `peer`: (address, port) of the client, None on a Unix socket."""

    def __init__(self, Plane plane, Door door, peer):
        self.plane = plane
        self.door = door
        self.tls = door.tls
        self.origin = plane.origin_of(peer[0] if peer else "", door.tls, peer is None)

    # ------------------------------------------------------------------ called by the transport

    def connection_made(self, transport):
        self.meet(transport)
        if len(self.plane.clients) >= self.plane.max_connections:
            self.plane.clients.add(self)
            self.turn_away(TOO_MANY_CONNECTIONS, "")
            return
        self.plane.clients.add(self)
        self.in_head = True
        self.idle_since = clock_ns()
        self.door.head.start(self, self.idle_since)

    def data_received(self, data):
        try:
            self.receive(data if type(data) is bytes else bytes(data), clock_ns())
            if len(data) >= LARGE_READ and self.exchange is not None and not self.lingering:
                self.plane.turns.queue(self)        # else its clock is of a head, or of lingering, and must go on
        except Exception:
            self.failed()

    def eof_received(self):
        cdef Exchange exchange = self.exchange
        if exchange is not None and exchange.tunnel:
            tunnel_eof(exchange, True, clock_ns())
            return self.exchange is not None
        if exchange is not None:
            client_gone(exchange, clock_ns())
        self.close()
        return False

    def connection_lost(self, error):
        cdef Exchange exchange = self.exchange
        self.closed = True
        self.fd = -1
        self.cancel()
        self.pending = None
        self.plane.clients.discard(self)
        if exchange is not None:
            client_gone(exchange, clock_ns())
        self.transport = None
        self.write = None

    def pause_writing(self):
        """The client does not read as fast as the upstream answers."""
        self.full = True
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.hold(HOLD_PEER_FULL)
        self.watch_sending(clock_ns())

    def resume_writing(self):
        cdef bytes data
        self.full = False
        if self.closed:
            return                                      # what is left goes out under the clock that runs
        self.cancel()
        if self.lingering:
            self.plane.linger.start(self, clock_ns())
        elif self.exchange is not None:
            if self.exchange.upstream is not None:
                self.exchange.upstream.go_on(HOLD_PEER_FULL)
            self.await_body()
        elif not self.advancing:
            self.in_head = False                        # its clock gave way to that of sending: it starts again
            data = self.pending if self.pending is not None else b""
            self.pending = None
            try:
                self.advance(data, self.pending_at, clock_ns())
            except Exception:
                self.failed()

    # ------------------------------------------------------------------ one request after the other

    cdef int receive(self, bytes received, uint64_t now) except -1:
        """Bytes from the client, for whatever is due to take them."""
        cdef Exchange exchange = self.exchange
        cdef Py_ssize_t used
        if exchange is None:
            return self.receive_between(received, now)
        if exchange.tunnel:
            return tunnel_data(exchange, received, True, now)
        if exchange.request.done:
            return self.queue(received)
        self.advancing = True
        used = exchange.more_request(received, now)
        self.advancing = False
        if self.exchange is not None:
            return self.queue(received[used:]) if used < PyBytes_GET_SIZE(received) else 0
        if self.lingering or self.closed:
            return 0
        return self.advance(received, used, now)

    cdef int receive_between(self, bytes received, uint64_t now) except -1:
        """Bytes while no request is in flight."""
        if self.lingering:
            return self.throw_away(PyBytes_GET_SIZE(received))
        if self.closed:
            return 0
        if self.pending is not None:
            received = self.pending[self.pending_at:] + received
            self.pending = None
        return self.advance(received, 0, now)

    cdef int advance(self, bytes data, Py_ssize_t at, uint64_t now) except -1:
        """Take the requests in data[at:] until one is in flight or the bytes run out."""
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t size = 0
        cdef Exchange exchange
        self.advancing = True
        if self.held:
            self.go_on(self.held)                       # whatever it was for, that request is over
        while at < n:
            if self.full:
                break                                   # answers pile up: first let the client read
            size = scan_request(PyBytes_AS_STRING(data) + at, n - at, &self.door.limits, &REQUEST_HEAD)
            if size <= 0:
                break
            exchange = take_exchange(self.plane)
            self.exchange = exchange
            self.idle_since = 0
            self.in_head = False
            at = exchange.begin(self, data, at, &REQUEST_HEAD, now)
            if self.exchange is not None or self.lingering or self.closed:
                break
        self.advancing = False
        if self.lingering or self.closed:
            return 0
        if self.exchange is not None or self.full:
            if at < n:
                self.pending = data
                self.pending_at = at
                self.queue(b"")
            return 0
        if size < 0:
            return self.turn_away(refusal_of_fault(size), text_of_fault(size), data[at:at + 5] == b"HEAD ")
        if at < n:
            return self.wait_for_more(data, at, now)
        return self.wait_idle(now)

    cdef int wait_for_more(self, bytes data, Py_ssize_t at, uint64_t now) except -1:
        """A part of a head: its deadline runs from its first byte, and is not moved by later ones."""
        self.pending = data[at:]
        self.pending_at = 0
        self.idle_since = 0
        if not self.in_head:
            self.in_head = True
            self.door.head.start(self, now)
        if self.held:
            self.go_on(self.held)
        return 0

    cdef int wait_idle(self, uint64_t now) except -1:
        self.pending = None
        self.in_head = False
        self.idle_since = now
        self.door.keep_alive.start(self, now)
        if self.held:
            self.go_on(self.held)
        return 0

    cdef int queue(self, bytes data) except -1:
        """Bytes behind the request in flight wait here; when they are many, in the kernel."""
        if self.pending is None:
            self.pending = data
            self.pending_at = 0
        elif data:
            self.pending = self.pending[self.pending_at:] + data
            self.pending_at = 0
        if PyBytes_GET_SIZE(self.pending) - self.pending_at > MAX_PENDING:
            self.hold(HOLD_PIPELINE)
        return 0

    cdef int answered(self, bint keep, bint request_done, uint64_t now) except -1:
        """The exchange has ended: on to the next request, or close."""
        cdef bytes data = self.pending
        self.exchange = None
        if self.closed:
            return 0
        if not keep:
            return self.linger(now)
        if self.advancing or self.full:
            return 0
        if data is None:
            return self.wait_idle(now)
        self.pending = None
        return self.advance(data, self.pending_at, now)

    # ------------------------------------------------------------------ called by the exchange

    cdef int hold(self, int reason) except -1:
        """Stop reading. The client is not to blame for the silence that follows."""
        if self.held == 0 and not self.closed and self.transport is not None:
            self.transport.pause_reading()
            if not self.full:
                self.cancel()
        self.held |= reason
        return 0

    cdef int go_on(self, int reason) except -1:
        if self.held & reason:
            self.held &= ~reason
            if self.held == 0 and not self.closed and self.transport is not None:
                self.transport.resume_reading()
                self.await_body()
        return 0

    cdef int await_body(self) except -1:
        """Start the clock for the body of the request in flight, unless something else is waited for."""
        if self.exchange is not None and not self.exchange.request.done and not self.full and not self.held:
            self.door.body.start(self, clock_ns())
        return 0

    cdef int tunnel_opened(self, uint64_t now) except -1:
        """What the client has sent behind its request already belongs to the tunnel."""
        cdef bytes data = self.pending
        probe_dead_peers(self.fd)
        self.go_on(HOLD_PIPELINE)
        if data is not None:
            self.pending = None
            tunnel_data(self.exchange, data[self.pending_at:], True, now)
        return 0

    cdef int reset(self) except -1:
        """Close so that the client cannot take what it has for the whole answer."""
        self.closed = True
        self.cancel()
        if self.transport is not None:
            reset_on_close(self.fd)
            self.transport.abort()
        return 0

    # ------------------------------------------------------------------ endings

    cdef int failed(self) except -1:
        """A fault of ours, called from `except`: what this client is at ends, the worker serves on."""
        self.advancing = False
        if self.exchange is not None:
            return break_down(self.exchange)
        self.plane.log.exception("a connection failed in the gateway; please report this")
        return self.reset()

    cdef int turn_away(self, int refusal, str detail, bint to_head=False) except -1:
        """End the connection with an answer to what never became a request; without content `to_head`."""
        cdef uint64_t now = clock_ns()
        self.plane.refusals[refusal] += 1
        count_request(self.plane.unrouted, status_of(refusal), 0, NOT_MEASURED, 0, 0, 0)
        self.plane.unrouted.refused += 1
        self.plane.recording.record_turned_away(self, status_of(refusal), now)
        self.send(refusal_answer(refusal, detail, "", False, to_head))
        return self.linger(now)

    cdef int linger(self, uint64_t now) except -1:
        """Close without a reset: say that this was the last answer, and let the client finish what it is sending."""
        self.pending = None
        self.lingering = True
        self.idle_since = 0
        if not self.closed:
            self.transport.write_eof()
            if self.held:
                self.go_on(self.held)
            if self.full:
                self.watch_sending(now)
            else:
                self.plane.linger.start(self, now)
        return 0

    cdef int throw_away(self, Py_ssize_t size) except -1:
        """What comes while lingering; when it is much it waits in the kernel until the time is over."""
        self.lingered += size
        if self.lingered > MAX_LINGER:
            self.hold_reading_only(HOLD_LINGER)
        return 0

    cdef int hold_reading_only(self, int reason) except -1:
        if self.held == 0 and not self.closed:
            self.transport.pause_reading()
        self.held |= reason
        return 0

    cdef int close(self) except -1:
        """Close once what is written has gone out, for which the client has as long as for any answer."""
        if not self.closed:
            self.closed = True
            self.cancel()
            self.transport.close()
            if self.transport.get_write_buffer_size():
                self.watch_sending(clock_ns())
        return 0

    cdef int watch_sending(self, uint64_t now) except -1:
        """Give the client `send` to take something of what waits for it."""
        self.takes()
        self.door.send.start(self, now)
        return 0

    cdef int expired(self, uint64_t now) except -1:
        try:
            return self.late(now)
        except Exception:
            return self.failed()

    cdef int late(self, uint64_t now) except -1:
        """The deadline that fitted the present state has passed."""
        if self.full or self.closed:
            if not self.takes():
                return self.reset()
            self.door.send.start(self, now)
            return 0
        if self.lingering:
            return self.close()
        if self.exchange is not None:
            return refuse(self.exchange, BODY_TIMEOUT, "", now)
        if self.pending is not None:
            return self.turn_away(HEAD_TIMEOUT, "", self.pending[self.pending_at:self.pending_at + 5] == b"HEAD ")
        return self.close()                 # idle, or it never said a word

    # ------------------------------------------------------------------ called by the worker

    def close_if_idle(self, uint64_t now, uint64_t longer_than):
        """While draining: close what has been silent between requests for `longer_than` nanoseconds."""
        if self.idle_since and now - self.idle_since >= longer_than:
            self.close()

    def abort(self):
        """End it now, whatever it does; the end of a drain."""
        self.reset()

    def __repr__(self):
        return f"<DownstreamConnection {self.origin.address} exchange={self.exchange} lingering={self.lingering}>"
