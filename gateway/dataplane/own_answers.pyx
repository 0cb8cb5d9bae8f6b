"""Answers that the gateway gives itself: health, a route's redirect or fixed answer, and refusals.

Each of them ends its exchange. A refusal says no as long as the client has seen nothing of an answer; after that the
only honest thing left is a reset.
"""
from libc.stdint cimport uint64_t
from libc.string cimport memcmp

from gateway.dataplane.endings cimport drop_upstream
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.http1 cimport GET, HEAD, Head, HeadWriter
from gateway.dataplane.refusals cimport (
    METHOD_NOT_ALLOWED, NO_ROUTE_FOUND, Told, date_line, refusal_answer, status_of,
)
from gateway.dataplane.routes cimport Route
from gateway.routing.router cimport WRONG_METHOD

from gateway.dataplane.routes import reason_phrase


cdef bint is_health(Exchange exchange, const char* p, const Head* head) noexcept:
    """GET or HEAD of the listener's health path."""
    cdef bytes health = exchange.client.door.health
    return (head.method & (GET | HEAD) and head.path_size == len(health)
            and memcmp(p + head.path_at, <const char*>health, head.path_size) == 0)


cdef int answer_health(Exchange exchange, uint64_t now) except -1:
    """200 while this worker serves a plan and is not draining."""
    if exchange.plane.draining:
        return send_own(exchange, 503, b"Content-Type: text/plain\r\n", b"draining\n", now)
    return send_own(exchange, 200, b"Content-Type: text/plain\r\n", b"ok\n", now)


cdef int answer_directly(Exchange exchange, const char* p, const Head* head, uint64_t now) except -1:
    """The route's redirect or fixed answer."""
    cdef HeadWriter w = exchange.plane.writer
    cdef Route route = exchange.route
    if route.redirect is None:
        return send_own(exchange, route.answer_status, route.answer_fields, route.answer, now)
    w.clear()
    w.put("Location: ", 10)
    exchange.routes.put_template(w, exchange.route, exchange.route.redirect, p, head)
    w.put("\r\n", 2)
    if exchange.route.response_edits is not None:
        w.put(<const char*>exchange.route.response_edits.lines, len(exchange.route.response_edits.lines))
    return send_own(exchange, exchange.route.answer_status, w.take(), b"", now)


cdef int send_own(Exchange exchange, int status, bytes fields, bytes body, uint64_t now,
                  bint dated=False) except -1:
    """Answer with these field lines and this body; `dated`: Date is among them."""
    cdef bytes head = b"HTTP/1.1 %d %s\r\n" % (status, reason_phrase(status).encode())
    exchange.keep = exchange.keep and exchange.request.done and not exchange.plane.draining
    head += fields if dated else date_line() + fields
    if status != 204 and status != 304:
        head += b"Content-Length: %d\r\n" % len(body)
    if not exchange.keep:
        head += b"Connection: close\r\n"
    elif exchange.http10:
        head += b"Connection: keep-alive\r\n"
    exchange.status = status
    exchange.answer_begun = True
    exchange.answer.done = True
    if exchange.method != HEAD and status != 204 and status != 304:
        exchange.bytes_out = len(body)
        exchange.client.send(head + b"\r\n" + body)
    else:
        exchange.client.send(head + b"\r\n")
    return exchange.finish(now)


cdef int refuse_unrouted(Exchange exchange, int index, const char* p, const Head* head, uint64_t now) except -1:
    """No route, or none for the method: a 405 must say which methods there are (RFC 9110 15.5.6)."""
    if index != WRONG_METHOD:
        return refuse(exchange, NO_ROUTE_FOUND, "", now)
    return refuse(exchange, METHOD_NOT_ALLOWED, "", now,
                  Told(b"Allow: %s\r\n" % exchange.routes.allowed(p, head), None))


cdef int refuse(Exchange exchange, int refusal, str detail, uint64_t now, Told told=None) except -1:
    """End the request with a problem document; where an answer has begun, with a reset."""
    exchange.refused = True
    exchange.plane.refusals[refusal] += 1
    drop_upstream(exchange)
    exchange.keep = (exchange.keep and exchange.request.done and not exchange.http10
                     and not exchange.plane.draining)
    if exchange.answer_begun:
        exchange.client.reset()
        return exchange.finish(now)
    exchange.status = status_of(refusal)
    exchange.answer_begun = True
    exchange.client.send(refusal_of(exchange, refusal, detail, told))
    return exchange.finish(now)


cdef bytes id_line(Exchange exchange):
    """X-Request-Id, unless its client knows it: by which the request is found in the flight recorder."""
    give_id(exchange)
    if not exchange.own_id:
        return b""
    return b"X-Request-Id: %016x%016x\r\n" % (exchange.identity.id_high, exchange.identity.id_low)


cdef void give_id(Exchange exchange) noexcept:
    """An id for a request that never came so far as to get one."""
    if not (exchange.own_id or exchange.brings_id):
        exchange.identity.id_high = exchange.plane.draw()
        exchange.identity.id_low = exchange.plane.draw()
        exchange.own_id = True


cdef bytes refusal_of(Exchange exchange, int refusal, str detail, Told told):
    """With the request's id, unless its client knows it."""
    cdef uint64_t high, low
    cdef bint without_body = exchange.method == HEAD
    give_id(exchange)
    high, low = exchange.identity.id_high, exchange.identity.id_low
    if detail:
        return refusal_answer(refusal, detail, "%016x%016x" % (high, low) if exchange.own_id else "", exchange.keep,
                              without_body, told.fields if told is not None else b"",
                              told.members if told is not None else None)
    if told is None:
        told = exchange.plane.sayings.nothing()
    return told.answer(refusal, exchange.own_id, exchange.keep, without_body).of(exchange.plane.writer, high, low)
