"""What a request came to, counted once: `count_try` for each try at an upstream, `account` at the end of all.

The outcome of a try is classified here alone; the endpoint's ejection, the upstream's breaker and the retry budget all
go by what is counted then. Slow is measured to the first byte of the answer; a tunnel counts as its handshake.
"""
from libc.stdint cimport uint64_t

from gateway._fastpath cimport NOT_MEASURED, count_endpoint, count_request, count_upstream
from gateway._gates cimport breaker_takes, count_for_retries
from gateway.dataplane.admission cimport give_permits_back
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.gates cimport UpstreamGates


cdef int outcome_of(Exchange exchange) noexcept:
    """A failure: not reached, broken off, malformed, silent too long, or any 5xx but 501 and 505. What the gateway
    refused itself, or a client that left before the answer, is no result."""
    if exchange.failed_upstream:
        return FAILURE
    if exchange.refused or not exchange.answered or not exchange.sent:
        return NO_RESULT
    if exchange.status >= 500 and exchange.status != 501 and exchange.status != 505:
        return FAILURE
    return SUCCESS


cdef int count_try(Exchange exchange, int outcome, uint64_t now) except -1:
    """The outcome of the try at `exchange.group` that ends here, or whose tunnel begins."""
    cdef UpstreamGates gates = exchange.group.gates
    cdef uint64_t first_byte = NOT_MEASURED
    cdef bint slow = False
    exchange.counted = True
    if outcome == NO_RESULT:
        return 0
    if exchange.group.retry is not None:
        count_for_retries(gates.control, outcome == FAILURE)
    if exchange.answered and exchange.sent:
        first_byte = (exchange.answered - exchange.sent) // 1000
        slow = 0 < gates.slow_us * 1000 < exchange.answered - exchange.sent
        exchange.route.counters.slow += slow
    if exchange.sent and exchange.endpoint is not None:
        count_endpoint(exchange.endpoint.counters, outcome == FAILURE, first_byte)
        exchange.endpoint.counters.slow += slow
        if exchange.endpoint.count(outcome == FAILURE, now):
            exchange.plane.ticker.early(now)
    if exchange.breaker_counts and breaker_takes(gates.control, exchange.breaker_generation):
        count_upstream(gates.counters, outcome == FAILURE, slow, first_byte)
    return 0


cdef int account(Exchange exchange, uint64_t now) except -1:
    """The end of a request, called by `finish` alone: counters, and its permits back."""
    cdef uint64_t total = now - exchange.began
    cdef uint64_t own = (exchange.sent if exchange.sent else now) - exchange.began
    cdef uint64_t first_byte = NOT_MEASURED
    if exchange.answered and exchange.sent:
        first_byte = (exchange.answered - exchange.sent) // 1000
    if exchange.group is not None and not exchange.counted:
        count_try(exchange, outcome_of(exchange), now)
    give_permits_back(exchange)
    row = exchange.plane.unrouted if exchange.route is None else exchange.route.counters
    count_request(row, exchange.status, total // 1000, first_byte, own // 1000, exchange.bytes_in, exchange.bytes_out)
    row.refused += exchange.refused
    row.upstream_failures += exchange.failed_upstream
    row.client_gone += exchange.gone
    row.retries += exchange.attempts
    exchange.plane.recording.record(exchange, now)
    return 0
