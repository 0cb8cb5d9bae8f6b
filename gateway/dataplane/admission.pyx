"""The gates that a routed request meets, in order. What is refused here has cost the upstream nothing."""
from libc.stdint cimport int64_t, uint64_t

from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport Head
from gateway.dataplane.own_answers cimport refuse
from gateway.dataplane.refusals cimport BODY_TOO_LARGE


cdef bint admit(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1:
    """False: the request has been answered."""
    cdef int64_t bound = exchange.route.max_body
    if bound and (head.content_length > bound or <int64_t>exchange.request.chunks.body > bound):
        refuse(exchange, BODY_TOO_LARGE, f"This route takes bodies up to {bound} bytes.", now)
        return False
    return True
