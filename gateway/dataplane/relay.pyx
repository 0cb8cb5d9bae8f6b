"""How an answer's bytes go on to the client.

Nearly always as they came: framing that was checked is passed on, not made again. Two answers need another framing:
chunks for an HTTP/1.0 client, and an answer that ends with the upstream's connection, which becomes chunked so that
the client can tell a whole answer from a broken one.

The head waits in the plane's writer until the first bytes of the body are known: then both leave in one write.
"""
from libc.stdint cimport uint64_t

from gateway.dataplane.exchange cimport JOIN, Exchange
from gateway.dataplane.forwarding cimport put_response
from gateway.dataplane.http1 cimport Chunks, Head, HeadWriter, chunks_scan

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE


cdef int put_framing(Exchange exchange, const Head* head) except -1:
    """What tells the client where the body ends and whether the connection goes on; ends the head."""
    cdef HeadWriter w = exchange.plane.writer
    cdef bint chunks_pass = head.chunked and exchange.relay == AS_IT_CAME and not exchange.http10
    if exchange.relay == CHUNKED_BY_US or (chunks_pass and head.status != 204):
        w.put("Transfer-Encoding: chunked\r\n", 28)
    if not exchange.keep:
        w.put("Connection: close\r\n", 19)
    elif exchange.http10:
        w.put("Connection: keep-alive\r\n", 24)
    return w.put("\r\n", 2)


cdef int emit(Exchange exchange, bytes data, Py_ssize_t at, Py_ssize_t take) except -1:
    """Send data[at:at+take] as it is; together with the head where that waits."""
    cdef HeadWriter w = exchange.plane.writer
    cdef const char* p = PyBytes_AS_STRING(data)
    exchange.bytes_out += take
    if w.size == 0:
        return exchange.client.send_parts(p + at, take, NULL, 0) if take else 0
    exchange.answer_begun = True
    if take <= JOIN:
        w.put(p + at, take)
        take = 0
    exchange.client.send_parts(w.data, w.size, p + at, take)
    w.clear()
    return 0


cdef int put_size(HeadWriter w, Py_ssize_t size) except -1:
    cdef bytes line = b"%x\r\n" % size
    return w.put(<const char*>line, len(line))


cdef int emit_chunk(Exchange exchange, bytes data, Py_ssize_t at, Py_ssize_t take) except -1:
    """Send data[at:at+take] as one chunk: the upstream's answer ends with its connection, ours must not."""
    cdef HeadWriter w = exchange.plane.writer
    if take:
        exchange.bytes_out += take
        put_size(w, take)
        w.put(PyBytes_AS_STRING(data) + at, take)
        w.put("\r\n", 2)
    if w.size:
        exchange.answer_begun = True
        exchange.client.send_parts(w.data, w.size, NULL, 0)
        w.clear()
    return 0


cdef int emit_unchunked(Exchange exchange, bytes data, Py_ssize_t at, Chunks* before) except -1:
    """Send the data of the chunks in data[at:] without their framing, which is known to be good."""
    cdef HeadWriter w = exchange.plane.writer
    cdef Py_ssize_t n = PyBytes_GET_SIZE(data) - at
    cdef Py_ssize_t size = 0
    cdef bytes out = PyBytes_FromStringAndSize(NULL, n)
    chunks_scan(before, PyBytes_AS_STRING(data) + at, n, PyBytes_AS_STRING(out), &size)
    exchange.bytes_out += size
    if w.size:
        exchange.answer_begun = True
        exchange.client.send(w.take())
    return exchange.client.send(out[:size]) if size else 0


cdef int pass_interim(Exchange exchange, const char* p, const Head* head) except -1:
    """A 1xx answer goes to the client as it is, but for hop-by-hop fields; HTTP/1.0 knows none."""
    if exchange.http10 or exchange.answer_begun:
        return 0
    exchange.plane.writer.clear()
    put_response(exchange.plane.writer, p, head, exchange.route, False, True)
    exchange.plane.writer.put("\r\n", 2)
    return exchange.client.send(exchange.plane.writer.take())


cdef int end_with_connection(Exchange exchange, uint64_t now) except -1:
    """An answer without length ends where its connection does."""
    exchange.answer.done = True
    if exchange.relay == CHUNKED_BY_US:
        exchange.client.send(b"0\r\n\r\n")
    return exchange.finish(now)
