"""A connection to an endpoint: one exchange at a time, idle in its endpoint's pool in between.

What it waits for, as a Deadline: with an exchange, the upstream's next bytes; parked, the end of its idle time, which
is the pool's or the upstream's own `Keep-Alive: timeout` less a second, whichever is shorter (a request sent on a
connection that the other end is just closing is lost, or has to be sent twice).
"""
from libc.stdint cimport int64_t, uint64_t

from gateway._fastpath cimport clock_ns
from gateway.dataplane.deadlines cimport DeadlineList
from gateway.dataplane.endings cimport upstream_ended, upstream_late
from gateway.dataplane.exchange cimport ClientSide, Exchange
from gateway.dataplane.plane cimport Plane
from gateway.dataplane.pool cimport Endpoint
from gateway.dataplane.side cimport HOLD_PEER_FULL
from gateway.dataplane.sockets cimport is_quiet, reset_on_close
from gateway.dataplane.tunnel cimport tunnel_data, tunnel_eof
from gateway.dataplane.turns cimport LARGE_READ
from gateway.dataplane.waiting cimport await_upstream

cdef int64_t SECOND = 1_000_000_000


cdef class UpstreamConnection(UpstreamSide):
    """asyncio protocol; `endpoint.opening()` was called by whoever makes it."""

    def __init__(self, Plane plane, Endpoint endpoint, bint tls):
        self.plane = plane
        self.endpoint = endpoint
        self.tls = tls
        self.fresh = True

    # ------------------------------------------------------------------ called by the transport

    def connection_made(self, transport):
        self.meet(transport)

    def data_received(self, data):
        cdef Exchange exchange = self.exchange
        cdef ClientSide client
        if exchange is None:
            self.discard(True)                  # nobody asked: a stale answer, or a 408 before closing
            return
        client = exchange.client
        try:
            if exchange.tunnel:
                tunnel_data(exchange, data, False, clock_ns())
            else:
                exchange.more_answer(data if type(data) is bytes else bytes(data), clock_ns())
            if len(data) >= LARGE_READ and self.exchange is not None:
                self.plane.turns.queue(self)
        except Exception:
            client.failed()                     # in this request, or in the next one, which it went on to

    def eof_received(self):
        cdef Exchange exchange = self.exchange
        if exchange is None:
            self.discard(True)
        elif exchange.tunnel:
            tunnel_eof(exchange, False, clock_ns())
            return self.exchange is not None
        else:
            self.ended(exchange, True)
        return False

    def connection_lost(self, error):
        cdef Exchange exchange = self.exchange
        self.cancel()
        self.leave_pool()
        if not self.closed:
            self.closed = True
            self.endpoint.closed()
        self.fd = -1
        self.exchange = None
        if exchange is not None:
            self.ended(exchange, error is None)
        self.transport = None
        self.write = None

    def pause_writing(self):
        self.full = True
        self.takes()
        if self.exchange is not None:
            self.exchange.client.hold(HOLD_PEER_FULL)
            await_upstream(self.exchange, clock_ns())

    def resume_writing(self):
        self.full = False
        if self.exchange is not None:
            self.cancel()
            self.exchange.client.go_on(HOLD_PEER_FULL)
            await_upstream(self.exchange, clock_ns())

    # ------------------------------------------------------------------ called by the exchange and the pool

    cdef int hold(self, int reason) except -1:
        """Stop reading: whoever this is for takes no more. Silence is not the upstream's fault now."""
        if self.held == 0 and self.transport is not None:
            self.transport.pause_reading()
            self.cancel()
        self.held |= reason
        return 0

    cdef int go_on(self, int reason) except -1:
        if self.held & reason:
            self.held &= ~reason
            if self.held == 0 and self.transport is not None and not self.closed:
                self.transport.resume_reading()
                if self.exchange is not None:
                    await_upstream(self.exchange, clock_ns())
        return 0

    cdef bint quiet(self):
        return not self.closed and is_quiet(self.fd)

    cdef int park(self, int64_t keep_alive_s, uint64_t now) except -1:
        """The exchange is over and the connection may be used again."""
        cdef Endpoint endpoint = self.endpoint
        cdef DeadlineList parked = endpoint.group.parked
        self.fresh = False
        if 0 <= keep_alive_s <= 1:
            return self.discard(True)
        if 0 < keep_alive_s <= (<int64_t>parked.duration - 1) // SECOND + 1:
            parked = self.plane.deadlines.of((keep_alive_s - 1) * SECOND)
        if (self.closed or self.full or self.once or self.plane.draining
                or len(endpoint.idle) >= endpoint.group.max_idle):
            return self.discard(not self.full)          # closing would wait until it takes what nobody needs now
        if self.held:
            self.go_on(self.held)
        endpoint.idle.append(self)
        parked.start(self, now)
        return 0

    cdef int discard(self, bint cleanly) except -1:
        """Close; not `cleanly`: with a reset, since what was said on it must not pass for a whole message."""
        self.cancel()
        self.leave_pool()
        if self.closed:
            return 0
        self.closed = True
        self.endpoint.closed()
        if self.transport is not None:
            if cleanly:
                self.transport.close()
            else:
                reset_on_close(self.fd)
                self.transport.abort()
        return 0

    cdef int leave_pool(self) except -1:
        if self in self.endpoint.idle:
            self.endpoint.idle.remove(self)
        return 0

    cdef int ended(self, Exchange exchange, bint cleanly) except -1:
        """Nothing more will come for this exchange."""
        cdef ClientSide client = exchange.client
        try:
            upstream_ended(exchange, cleanly, clock_ns())
        except Exception:
            client.failed()
        return 0

    cdef int expired(self, uint64_t now) except -1:
        cdef ClientSide client
        if self.exchange is None:
            return self.discard(True)
        client = self.exchange.client
        try:
            if self.full and self.takes():
                return await_upstream(self.exchange, now)
            return upstream_late(self.exchange, now)
        except Exception:
            return client.failed()

    def give_up(self):
        """The slow path has no use for this connection any more."""
        self.discard(True)

    def park_now(self):
        """The slow path's request ended while it connected: keep the connection for the next one."""
        self.park(-1, clock_ns())

    def __repr__(self):
        return f"<UpstreamConnection {self.endpoint.address} fresh={self.fresh} busy={self.exchange is not None}>"
