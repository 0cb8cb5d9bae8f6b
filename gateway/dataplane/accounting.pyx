"""The outcome of a request, counted once: called by `finish` alone."""
from libc.stdint cimport uint64_t

from gateway._fastpath cimport NOT_MEASURED, count_endpoint, count_request
from gateway.dataplane.exchange cimport Exchange


cdef int account(Exchange exchange, uint64_t now) except -1:
    cdef uint64_t total = now - exchange.began
    cdef uint64_t own = (exchange.sent if exchange.sent else now) - exchange.began
    cdef uint64_t first_byte = NOT_MEASURED
    if exchange.answered and exchange.sent:
        first_byte = (exchange.answered - exchange.sent) // 1000
    row = exchange.plane.unrouted if exchange.route is None else exchange.route.counters
    count_request(row, exchange.status, total // 1000, first_byte, own // 1000, exchange.bytes_in, exchange.bytes_out)
    row.refused += exchange.refused
    row.upstream_failures += exchange.failed_upstream
    row.client_gone += exchange.gone
    row.retries += exchange.attempts
    if exchange.sent and exchange.endpoint is not None:
        count_endpoint(exchange.endpoint.counters, exchange.failed_upstream or exchange.status >= 500, first_byte)
    return 0
