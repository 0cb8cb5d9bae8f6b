"""Tunnels: after `101 Switching Protocols` both sides talk as they please, and each may stop talking first.

A tunnel is the exchange that asked for it, still holding its route, its endpoint and both connections; it counts as
answered with its handshake. Back-pressure is that of any exchange.
"""
from libc.stdint cimport uint32_t, uint64_t

from gateway._fastpath cimport load
from gateway._gates cimport ClientRule, Control, isolated
from gateway.dataplane.accounting cimport SUCCESS, count_try
from gateway.dataplane.admission cimport rule_on
from gateway.dataplane.denial cimport BY_ISOLATION, DECIDED_ISOLATED
from gateway.dataplane.endings cimport upstream_failure
from gateway.dataplane.exchange cimport Exchange
from gateway.dataplane.forwarding cimport put_response
from gateway.dataplane.http1 cimport UPGRADE, Field, Head, HeadWriter
from gateway.dataplane.plane cimport Plane
from gateway.dataplane.refusals cimport UPSTREAM_MALFORMED
from gateway.dataplane.waiting cimport await_upstream

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE


cdef enum:
    KEEP_OPEN = 1                   # flag of an isolation: leave its tunnels alone

cdef extern from "strings.h" nogil:
    int strncasecmp(const char*, const char*, size_t)


cdef int open_tunnel(Exchange exchange, bytes data, Py_ssize_t at, const Head* head, uint64_t now) except -1:
    """101: both sides talk as they please from here on."""
    cdef HeadWriter w = exchange.plane.writer
    if not exchange.upgrade:
        return upstream_failure(exchange, UPSTREAM_MALFORMED, "The upstream switched protocols unasked.", now)
    exchange.answered = now
    exchange.status = 101
    exchange.answer_begun = True
    exchange.keep = False
    exchange.tunnel = True
    exchange.routes = None
    exchange.plane.tunnels += 1
    exchange.plane.open_tunnels.add(exchange)
    count_try(exchange, SUCCESS, now)
    exchange.cancel()
    w.clear()
    put_response(w, PyBytes_AS_STRING(data) + at, head, exchange.route, True, True)
    w.put("Connection: upgrade\r\n\r\n", 23)
    exchange.client.send(w.take())
    if at + head.size < PyBytes_GET_SIZE(data):
        tunnel_data(exchange, data[at + head.size:], False, now)
    await_upstream(exchange, now)
    return exchange.client.tunnel_opened(now)


cdef int tunnel_data(Exchange exchange, bytes data, bint from_client, uint64_t now) except -1:
    if from_client:
        exchange.bytes_in += len(data)
        exchange.upstream.send(data)
    else:
        exchange.bytes_out += len(data)
        exchange.client.send(data)
    return await_upstream(exchange, now)


cdef int tunnel_eof(Exchange exchange, bint from_client, uint64_t now) except -1:
    """One side has said all; the tunnel ends when both have."""
    if from_client:
        exchange.client_eof = True
        exchange.upstream.end_sending()
    else:
        exchange.upstream_eof = True
        exchange.client.end_sending()
    if exchange.client_eof and exchange.upstream_eof:
        exchange.answer.done = True
        return exchange.finish(now)
    return 0


def close_isolated(Plane plane, uint64_t now):
    """Every 100 ms: end the tunnels of what is isolated, but for those that it leaves open."""
    cdef Exchange exchange
    for exchange in list(plane.open_tunnels) if plane.open_tunnels else ():
        if must_close(exchange, now):
            exchange.decision = DECIDED_ISOLATED
            exchange.safeguard = BY_ISOLATION
            exchange.finish(now)


cdef bint must_close(Exchange exchange, uint64_t now) noexcept:
    cdef const ClientRule* rule = NULL
    if load(exchange.plane.rules_used):
        rule = rule_on(exchange)
    if rule != NULL and load(&rule.isolated_until) > now and not load(&rule.isolation) & KEEP_OPEN:
        return True
    return (closes(exchange.route.gates.control, now) or closes(exchange.group.gates.control, now)
            or (exchange.endpoint is not None and closes(exchange.endpoint.control, now)))


cdef bint closes(const Control* control, uint64_t now) noexcept:
    return isolated(control, now) and not load(&control.isolation) & KEEP_OPEN


cdef bint offers_h2c(const char* p, const Head* head) noexcept:
    """Whether Upgrade asks for HTTP/2 in the clear, which is not passed on: it would hide requests from the gateway."""
    cdef const Field* field
    cdef uint32_t i, k
    for i in range(head.count):
        field = &head.fields[i]
        if field.kind != UPGRADE:
            continue
        for k in range(field.value_size):
            if field.value_size - k >= 3 and strncasecmp(p + field.value + k, "h2c", 3) == 0:
                return True
    return False
