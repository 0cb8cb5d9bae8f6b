"""Another try for a request whose try has failed: mitigate/retry.py decides, the slow path waits and connects.

Out of the ordinary by nature: a failed try has cost far more than what is decided here in Python.
"""
from libc.stdint cimport uint32_t, uint64_t

from gateway._fastpath cimport load
from gateway._gates cimport breaker_admits
from gateway.dataplane.accounting cimport FAILURE, count_try
from gateway.dataplane.endings cimport drop_upstream
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.gates cimport MODE_ENFORCE, UpstreamGates
from gateway.dataplane.http1 cimport DELETE, GET, HEAD, OPTIONS, PUT, Head
from gateway.dataplane.plane cimport Plane
from gateway.dataplane.pool cimport UpstreamGroup

from gateway.mitigate import retry
from gateway.model.errors import REFUSALS
from gateway.model.safeguards import refuses


cdef extern from "strings.h" nogil:
    int strncasecmp(const char*, const char*, size_t)


cdef dict METHODS = {GET: "GET", HEAD: "HEAD", PUT: "PUT", DELETE: "DELETE", OPTIONS: "OPTIONS"}


cdef bint has_field(const char* p, const Head* head, const char* name, Py_ssize_t size) noexcept:
    cdef uint32_t i
    for i in range(head.count):
        if head.fields[i].name_size == size and strncasecmp(p + head.fields[i].name, name, size) == 0:
            return True
    return False


cdef bint has_idempotency_key(const char* p, const Head* head) noexcept:
    return has_field(p, head, "idempotency-key", 15)


cdef bint try_again(Exchange exchange, int refusal, int status, bint shed, uint64_t now) except -1:
    """Whether the try that failed is followed by another, which then is under way.

    It failed by a `refusal` of ours, or (-1) with an answer of this `status`, that may say that it was `shed`.
    """
    cdef UpstreamGroup group = exchange.group
    if group is None or group.retry is None or exchange.alternate:
        return False
    failure = retry.Failure("" if refusal < 0 else REFUSALS[refusal].reason, status, shed)
    if retry.refusal(request_of(exchange), failure, exchange.retried + 1, budget_of(group, now), group.retry):
        return False
    if not refuses(group.retry.mode, True):             # shadow: what would be done is counted, and not done
        exchange.route.counters.shadow_retries += 1
        return False
    count_try(exchange, FAILURE, now)                   # under the generation that admitted it
    if not breaker_admits_again(exchange, now):
        return False
    begin_try(exchange)
    return True


cdef bint breaker_admits_again(Exchange exchange, uint64_t now) noexcept:
    """The breaker may have opened since; the permits that are held are kept."""
    cdef UpstreamGates gates = exchange.group.gates
    if gates.breaker_mode != MODE_ENFORCE and load(&gates.control.forced_until) <= now:
        return True
    return breaker_admits(gates.control, now, <uint32_t>(exchange.plane.draw() >> 32), &exchange.breaker_generation)


cdef object request_of(Exchange exchange):
    """What is replayable without an idempotent method carries an Idempotency-Key; what was not sent yet is held."""
    return retry.Request(METHODS.get(exchange.method, ""), exchange.bytes_in if exchange.request.done else None,
                         exchange.replayable or not exchange.sent, exchange.replayable, exchange.answer_begun)


cdef object budget_of(UpstreamGroup group, uint64_t now):
    window, tokens = group.budget(now)
    return retry.budget_of(window, tokens)


cdef int begin_try(Exchange exchange) except -1:
    cdef Plane plane = exchange.plane
    begin_again(exchange)
    exchange.retried += 1
    exchange.attempts += 1
    exchange.group.gates.counters.retries += 1
    pause = retry.backoff(exchange.retried, (plane.draw() >> 11) / 9007199254740992.0)
    task = plane.loop.create_task(plane.again(plane, exchange, exchange.generation, pause / 1e9))
    plane.tasks.add(task)
    task.add_done_callback(plane.tasks.discard)
    return 0


cdef int begin_again(Exchange exchange) except -1:
    """Nothing was sent and nothing answered: the try before is over, its connection gone."""
    drop_upstream(exchange)
    exchange.sent = 0
    exchange.answered = 0
    exchange.status = 0
    exchange.interims = 0
    exchange.partial = None
    exchange.failed_upstream = False
    exchange.counted = False
    exchange.upstream_keep = False
    return 0
