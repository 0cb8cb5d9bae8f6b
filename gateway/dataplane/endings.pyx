"""Endings out of the ordinary: somebody left, broke off, was late, or we failed. Each leads to `finish`, once."""
from libc.stdint cimport uint64_t

from gateway._fastpath cimport clock_ns
from gateway.dataplane.denial cimport DECIDED_ERROR, DECIDED_TIMEOUT, deny, fall_back
from gateway.dataplane.exchange cimport Exchange, UpstreamSide
from gateway.dataplane.http1 cimport UNTIL_CLOSE, Head
from gateway.dataplane.own_answers cimport refuse
from gateway.dataplane.refusals cimport (
    CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, GATEWAY_FAULT, UPSTREAM_IDLE, UPSTREAM_RESET,
)
from gateway.dataplane.relay cimport end_with_connection
from gateway.dataplane.retries cimport has_field, try_again


cdef int client_gone(Exchange exchange, uint64_t now) except -1:
    """The client left: stop the upstream's work. In a tunnel this is one of the two ordinary ends."""
    exchange.gone = not exchange.tunnel
    exchange.keep = False
    return exchange.finish(now)


cdef int upstream_ended(Exchange exchange, bint cleanly, uint64_t now) except -1:
    """The upstream closed (`cleanly`) or lost its connection."""
    if exchange.tunnel:
        exchange.keep = False
        return exchange.finish(now)
    if exchange.answered:
        if cleanly and exchange.answer.kind == UNTIL_CLOSE:
            return end_with_connection(exchange, now)
        return upstream_failure(exchange, UPSTREAM_RESET, "The upstream ended in the middle of its answer.", now)
    if may_send_again(exchange):
        exchange.attempts += 1
        drop_upstream(exchange)
        return exchange.connect_again()
    return upstream_failure(exchange, UPSTREAM_RESET, "", now)


cdef bint may_send_again(Exchange exchange) noexcept:
    """Once, on a fresh connection, if the one that died was a used one, nothing was answered, and the request is
    idempotent and held in full (RFC 9110 9.2.2), or the kernel took nothing of it."""
    cdef UpstreamSide upstream = exchange.upstream
    if upstream is None or upstream.fresh or exchange.attempts > exchange.retried:
        return False
    if exchange.interims or exchange.partial is not None:
        return False
    return (exchange.replayable and exchange.request.done) or not upstream.handed


cdef int upstream_late(Exchange exchange, uint64_t now) except -1:
    """The upstream's deadline has passed."""
    if exchange.tunnel:
        exchange.keep = False
        return exchange.finish(now)
    return upstream_failure(exchange, UPSTREAM_IDLE if exchange.answered else FIRST_BYTE_TIMEOUT, "", now)


cdef int upstream_failure(Exchange exchange, int refusal, str detail, uint64_t now) except -1:
    """The upstream's fault: another try, a denial, or a reset where the client already has a part of the answer."""
    cdef bint late = refusal == FIRST_BYTE_TIMEOUT or refusal == UPSTREAM_IDLE or refusal == CONNECT_TIMEOUT
    if try_again(exchange, refusal, 0, False, now):
        return 0
    exchange.failed_upstream = True
    exchange.upstream_keep = False
    return deny(exchange, DECIDED_TIMEOUT if late else DECIDED_ERROR, refusal, detail, now)


cdef bint answered_otherwise(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1:
    """Whether an answer of 500, 502, 503 or 504 is not for the client: another try is under way, or a fallback."""
    if head.status != 500 and not 502 <= head.status <= 504:
        return False
    if try_again(exchange, -1, head.status, has_field(p, head, "x-shed", 6), now):
        return True
    exchange.failed_upstream = True
    exchange.upstream_keep = False
    if fall_back(exchange, DECIDED_TIMEOUT if head.status == 504 else DECIDED_ERROR, False, now):
        return True
    exchange.failed_upstream = False
    return False


cdef int drop_upstream(Exchange exchange) except -1:
    """Abort the upstream connection: it must never look as if the request, or its answer, were complete."""
    cdef UpstreamSide upstream = exchange.upstream
    if upstream is not None:
        exchange.upstream = None
        upstream.exchange = None
        upstream.discard(False)
    return 0


cdef int break_down(Exchange exchange) except -1:
    """A fault of ours, called from `except`: this request and its client's connection end."""
    exchange.plane.log.error("a request failed in the gateway; please report this", exc_info=True)
    exchange.plane.writer.clear()               # half a head of one client must not reach another
    exchange.keep = False
    return refuse(exchange, GATEWAY_FAULT, "", clock_ns())
