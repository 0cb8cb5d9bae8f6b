"""Which clock runs while a request is in flight: the one of whoever has to do the next thing."""
from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport Exchange


cdef int await_answer(Exchange exchange, uint64_t now) except -1:
    """Start the clock that fits: the client's while its body comes, else the upstream's.

    A client that is full has its own already: it must take what waits for it.
    """
    if not exchange.request.done:
        if not exchange.client.held and not exchange.client.full:
            exchange.client.door.body.start(exchange.client, now)
        return 0
    if not exchange.client.full:
        exchange.client.cancel()
    return await_upstream(exchange, now)


cdef int await_upstream(Exchange exchange, uint64_t now) except -1:
    """Start the clock for what the upstream owes; while it is held its silence is not its fault."""
    if exchange.upstream.held:
        return 0
    if exchange.upstream.full:
        exchange.group.silent.start(exchange.upstream, now)
    elif exchange.tunnel:
        exchange.plane.tunnel_idle.start(exchange.upstream, now)
    elif exchange.answered:
        exchange.group.silent.start(exchange.upstream, now)
    elif exchange.request.done:
        exchange.group.first_byte.start(exchange.upstream, now)
    return 0
