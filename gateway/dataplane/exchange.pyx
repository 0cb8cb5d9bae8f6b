"""THE LIFE OF A REQUEST, top to bottom.

    begin         head scanned -> route -> admit -> direct answer, or
    forward       endpoint, connection, head rewritten, sent
    more_request  the rest of its body
    more_answer   the upstream's head (interim ones passed on), then
    relay_answer  its body, until `answer.done`, then
    finish        the connection back to its pool, the outcome counted once, the client's turn again

All of it is synchronous: a step runs inside the callback that brought its bytes. Only what needs a new connection
leaves for the slow path, which comes back through `attach` or `connect_failed` with the generation that it was given;
an answer to an exchange that ended meanwhile carries an old generation and is ignored.

Each way out of a request goes through `finish`, once: it is the only place that gives things back.

Who may write what: a request reads the board's generation word and its plan (`plane.routes`, or `plane.beside` for a
client that a revision on probation does not concern yet) once, in `open`. `answer_begun`
decides what an error can still be: before it a refusal with a status, after it only a reset, since an answer that has
begun must never look complete.
"""
from libc.stdint cimport int64_t, uint64_t

from gateway._fastpath cimport clock_ns, load
from gateway._recorder cimport FELL_BACK
from gateway.dataplane.accounting cimport account
from gateway.dataplane.admission cimport admit, admit_upstream, deny_without_endpoint
from gateway.dataplane.body cimport body_start, body_take
from gateway.dataplane.clients cimport Client
from gateway.dataplane.denial cimport (
    BY_NOTHING, DECIDED_ERROR, DECIDED_NOTHING, DECIDED_SATURATED, DECIDED_TIMEOUT, deny, tell_limit,
)
from gateway.dataplane.endings cimport answered_otherwise, upstream_failure
from gateway.dataplane.forwarding cimport put_request, put_response
from gateway.dataplane.keeping cimport begin_keeping, end_keeping, note_write, remember
from gateway.dataplane.http1 cimport (
    BY_CHUNKS, BY_LENGTH, DELETE, GET, HEAD, NO_BODY, OPTIONS, PUT, REQUEST_ID, UNTIL_CLOSE,
    Chunks, Head, HeadWriter, response_body, scan_response,
)
from gateway.dataplane.own_answers cimport answer_directly, answer_health, is_health, refuse, refuse_unrouted
from gateway.dataplane.plane cimport Plane
from gateway.dataplane.pool cimport Endpoint, UpstreamGroup
from gateway.dataplane.refusals cimport (
    BODY_TOO_LARGE, REQUEST_TIMEOUT, UPSTREAM_MALFORMED, refusal_of_fault, text_of_answer_fault,
    text_of_fault,
)
from gateway.dataplane.retries cimport has_idempotency_key
from gateway.dataplane.relay cimport (
    AS_IT_CAME, CHUNKED_BY_US, UNCHUNKED, emit, emit_chunk, emit_unchunked, pass_interim, put_framing,
)
from gateway.dataplane.side cimport HOLD_CONNECTING, HOLD_PEER_FULL
from gateway.dataplane.tunnel cimport open_tunnel
from gateway.dataplane.waiting cimport await_answer

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from gateway.model import errors

cdef enum:
    IDEMPOTENT = GET | HEAD | PUT | DELETE | OPTIONS      # RFC 9110 9.2.2; TRACE is refused
    MAX_INTERIMS = 16           # 1xx answers before the final one
    SPARE_EXCHANGES = 1024

cdef Head ANSWER_HEAD           # filled and read within one callback; the worker has one thread


cdef class ClientSide(Side):
    """What the exchange asks of a downstream connection."""

    cdef int tunnel_opened(self, uint64_t now) except -1:
        raise NotImplementedError

    cdef int answered(self, bint keep, bint request_done, uint64_t now) except -1:
        raise NotImplementedError

    cdef int reset(self) except -1:
        raise NotImplementedError

    cdef int failed(self) except -1:
        raise NotImplementedError


cdef class UpstreamSide(Side):
    """What the exchange asks of an upstream connection."""

    cdef bint quiet(self):
        raise NotImplementedError

    cdef int park(self, int64_t keep_alive_s, uint64_t now) except -1:
        raise NotImplementedError

    cdef int discard(self, bint cleanly) except -1:
        raise NotImplementedError


cdef Exchange take_exchange(Plane plane):
    """A finished exchange to use again, or a new one."""
    if plane.spare:
        return <Exchange>plane.spare.pop()
    return Exchange()


cdef class Exchange(Deadline):
    """One request and its answer. Reused: `generation` counts its lives."""

    # ------------------------------------------------------------------ the life of a request

    cdef Py_ssize_t begin(self, ClientSide client, bytes data, Py_ssize_t start, const Head* head,
                          uint64_t now) except -1:
        """Take the request whose head is at data[start:]; returns the offset behind all that belongs to it so far."""
        cdef const char* p = PyBytes_AS_STRING(data) + start
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data) - start
        cdef Py_ssize_t take
        cdef int index
        self.open(client, p, head, now)
        take = body_take(&self.request, p + head.size, n - head.size)
        if take < 0:
            self.keep = False
            refuse(self, refusal_of_fault(take), text_of_fault(take), now)
            return start + n
        self.bytes_in = take
        if len(client.door.health) and is_health(self, p, head):
            answer_health(self, now)
            return start + head.size + take
        index = self.routes.find(p, head)
        if index < 0:
            refuse_unrouted(self, index, p, head, now)
            return start + head.size + take
        self.route = <Route>self.routes.routes[index]
        self.group = self.route.group
        if self.route.fallbacks is not None and self.route.fallbacks.reads_request:
            remember(self, p, head, take)
        elif self.plane.stale_answers.holds_any:
            note_write(self, p, head)
        if admit(self, p, head, now):
            if self.group is None:
                answer_directly(self, p, head, now)
            elif admit_upstream(self, now):
                self.forward(p, head, take, now)
        return start + head.size + take

    cdef int forward(self, const char* p, const Head* head, Py_ssize_t take, uint64_t now) except -1:
        """Choose an endpoint, write the head for it and send, or leave it to the slow path to connect first."""
        cdef UpstreamGroup group = self.group
        cdef HeadWriter w = self.plane.writer
        cdef Endpoint endpoint = group.choose(now)
        if endpoint is None:
            return deny_without_endpoint(self, now)
        self.use_endpoint(endpoint)
        if self.first is None:                      # else an alternate is asked, for the same request
            self.identity.id_high = self.plane.draw()
            self.identity.id_low = self.plane.draw()
            self.identity.span = self.plane.draw()
        w.clear()
        self.own_id = put_request(w, p, head, self.routes, self.route, self.client.origin, group.host, endpoint.host,
                                  &self.identity, self.upgrade)
        if take <= JOIN:
            w.put(p + head.size, take)
            self.first = w.take()
            self.rest = None
        else:
            self.first = w.take()
            self.rest = [PyBytes_FromStringAndSize(p + head.size, take)]
        self.replayable = ((self.method & IDEMPOTENT or (group.retry is not None and has_idempotency_key(p, head)))
                           and not self.upgrade and take <= group.held_body)
        self.held_size = take
        if self.route.whole is not None and not self.waits():
            self.route.whole.start(self, now)
        return self.send_or_connect(now)

    cdef int send_or_connect(self, uint64_t now) except -1:
        """Send on an idle connection of the endpoint, or ask for a new one."""
        cdef UpstreamSide connection
        if self.plane.faults is not None and self.meets_fault():
            return 0
        while self.endpoint.idle:
            connection = <UpstreamSide>self.endpoint.idle.pop()
            connection.cancel()
            # what cannot be sent twice is not risked on a connection that the upstream has just closed
            if (self.replayable and self.request.done) or connection.quiet():
                return self.send_request(connection, now)
            connection.discard(True)
        return self.connect_again()

    cdef int send_request(self, UpstreamSide connection, uint64_t now) except -1:
        """Hand over what is there of the request, on a connection that is now this exchange's."""
        cdef bytes piece
        self.upstream = connection
        self.use_endpoint(connection.endpoint)
        connection.exchange = self
        connection.handed = False
        self.sent = now
        connection.send(self.first)
        if self.rest is not None:
            for piece in self.rest:
                connection.send(piece)
        if not self.replayable and connection.handed:
            self.first = None
            self.rest = None
        return await_answer(self, now)

    cdef Py_ssize_t more_request(self, bytes data, uint64_t now) except -1:
        """More of the request's body; returns how many bytes of `data` belong to it."""
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t take = body_take(&self.request, PyBytes_AS_STRING(data), n)
        cdef bytes piece
        if take < 0:
            refuse(self, refusal_of_fault(take), text_of_fault(take), now)
            return n
        self.bytes_in += take
        if self.route.max_body and <int64_t>self.request.chunks.body > self.route.max_body:
            refuse(self, BODY_TOO_LARGE, f"This route takes bodies up to {self.route.max_body} bytes.", now)
            return take
        piece = data if take == n else data[:take]
        self.hold_piece(piece)
        if self.upstream is not None:
            self.upstream.send(piece)
            await_answer(self, now)
        return take

    cdef int more_answer(self, bytes data, uint64_t now) except -1:
        """Bytes from the upstream: heads until the final one, then its body."""
        cdef const char* p
        cdef Py_ssize_t n, size, at = 0
        if self.answered:
            return self.relay_answer(data, 0, now)
        if self.partial is not None:
            data = self.partial + data
            self.partial = None
        p = PyBytes_AS_STRING(data)
        n = PyBytes_GET_SIZE(data)
        while True:
            size = scan_response(p + at, n - at, &self.group.limits, &ANSWER_HEAD)
            if size == 0:
                self.partial = data[at:]
                return 0
            if size < 0:
                return upstream_failure(self, UPSTREAM_MALFORMED, text_of_answer_fault(size), now)
            if ANSWER_HEAD.status >= 200:
                return self.begin_answer(data, at, &ANSWER_HEAD, now)
            if ANSWER_HEAD.status == 101:
                return open_tunnel(self, data, at, &ANSWER_HEAD, now)
            self.interims += 1
            if self.interims > MAX_INTERIMS:
                return upstream_failure(self, UPSTREAM_MALFORMED, "The upstream sent too many interim answers.", now)
            pass_interim(self, p + at, &ANSWER_HEAD)
            at += size
            if at == n:
                return 0

    cdef int begin_answer(self, bytes data, Py_ssize_t at, const Head* head, uint64_t now) except -1:
        """The final head: decide how the body goes on, write the head for the client, go on with the body."""
        cdef const char* p = PyBytes_AS_STRING(data) + at
        self.answered = now
        self.status = head.status
        if head.status >= 500 and answered_otherwise(self, p, head, now):
            return 0
        self.upstream_keep = head.keep_alive
        self.upstream_keep_s = head.keep_alive_timeout
        body_start(&self.answer, response_body(head, self.method), head.content_length)
        self.keep = self.keep and self.request.done and not self.plane.draining
        self.relay = AS_IT_CAME
        if self.answer.kind == UNTIL_CLOSE:
            self.upstream_keep = False
            self.relay = AS_IT_CAME if self.http10 else CHUNKED_BY_US
            self.keep = self.keep and not self.http10
        elif self.answer.kind == BY_CHUNKS and self.http10:
            self.relay = UNCHUNKED
            self.keep = False
        if len(self.plane.recording.version_header):
            self.plane.recording.keep_version(self, p, head)
        self.plane.writer.clear()
        put_response(self.plane.writer, p, head, self.route, False, head.status == 204)
        if self.near:
            tell_limit(self, now)
        if self.stale_hash:
            begin_keeping(self, p, head, now)
        if self.alternate:
            self.plane.writer.put("x-fallback: upstream\r\n", 22)
            self.route.counters.fallbacks += 1
            self.kept.flags |= FELL_BACK
        put_framing(self, head)
        self.routes = None
        return self.relay_answer(data, at + head.size, now)

    cdef int relay_answer(self, bytes data, Py_ssize_t at, uint64_t now) except -1:
        """Pass on data[at:], behind the head where that still waits in the writer; finish with the last byte."""
        cdef const char* p = PyBytes_AS_STRING(data)
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        cdef Chunks before = self.answer.chunks
        cdef Py_ssize_t take = body_take(&self.answer, p + at, n - at)
        if take < 0:
            self.plane.writer.clear()
            return upstream_failure(self, UPSTREAM_MALFORMED, text_of_fault(take), now)
        if self.capture is not None:
            self.capture.add(data, at, take)
        if self.relay == AS_IT_CAME:
            emit(self, data, at, take)
        elif self.relay == CHUNKED_BY_US:
            emit_chunk(self, data, at, take)
        else:
            emit_unchunked(self, data, at, &before)
        if self.answer.done:
            if at + take < n:
                self.upstream_keep = False          # bytes that nobody asked for: never use this connection again
            return self.finish(now)
        if not self.upstream.held:
            self.group.silent.start(self.upstream, now)
        return 0

    cdef int finish(self, uint64_t now) except -1:
        """The end of every request: give back, count, and let the client's connection go on or close."""
        cdef ClientSide client = self.client
        cdef Plane plane = self.plane
        cdef UpstreamSide upstream = self.upstream
        cdef bint keep = self.keep
        cdef bint request_done = self.request.done
        self.cancel()
        account(self, now)
        if self.stale_key is not None:
            end_keeping(self, now)
        self.use_endpoint(None)
        if upstream is not None:
            upstream.exchange = None
            if self.upstream_keep and self.answer.done and request_done:
                upstream.park(self.upstream_keep_s, now)
            else:
                upstream.discard(self.answer.done and request_done)
        plane.active -= 1
        if self.epoch:
            plane.has_left(self.epoch)
        if self.tunnel:
            plane.tunnels -= 1
            plane.open_tunnels.discard(self)
        self.generation += 1
        self.client = None
        self.upstream = None
        self.routes = None
        self.route = None
        self.group = None
        self.asked = None
        self.first = None
        self.rest = None
        self.partial = None
        if len(plane.spare) < SPARE_EXCHANGES:
            plane.spare.append(self)
        return client.answered(keep, request_done, now)

    # ------------------------------------------------------------------ steps of it

    cdef int open(self, ClientSide client, const char* p, const Head* head, uint64_t now) except -1:
        """A new life: every field that a request reads is set here."""
        cdef Plane plane = client.plane
        cdef Client who = client.origin.client
        if client.origin.trusted:
            who = plane.known.of_forwarded(client.origin.address, p, head)
        if load(plane.wanted) != plane.serves:
            plane.follow()
        self.plane = plane
        self.client = client
        self.routes = plane.routes
        self.revision = plane.serves
        self.route = None
        self.group = None
        self.alternate = False
        self.began = now
        self.sent = 0
        self.answered = 0
        self.method = head.method
        self.http10 = head.version_minor == 0
        self.keep = head.keep_alive and not plane.draining
        self.own_id = False
        self.brings_id = head.first[<int>REQUEST_ID] != 0
        self.tunnel = False
        self.refused = False
        self.failed_upstream = False
        self.gone = False
        self.address_key = who.key
        self.client_key = who.key if plane.known.named is None else plane.known.named.of(p, head) or who.key
        if plane.beside is not None and plane.stays(self.client_key):
            self.routes = plane.beside
            self.revision = plane.beside_serves
        self.client_high = who.high
        self.client_low = who.low
        self.decision = DECIDED_NOTHING
        self.safeguard = BY_NOTHING
        self.observed = 0
        self.threshold = 0
        self.limit_row = NO_LIMIT
        self.shadowed = False
        self.near = 0
        self.stale_hash = 0
        self.breaker_counts = False
        self.counted = False
        self.epoch = 0
        self.route_permit = NULL
        self.upstream_permit = NULL
        self.attempts = 0
        self.retried = 0
        self.unreached = 0
        self.status = 0
        self.answer_begun = False
        self.answer.done = False
        self.interims = 0
        self.bytes_out = 0
        self.bytes_in = 0
        self.replayable = False
        self.client_eof = False
        self.upstream_eof = False
        self.upstream_keep = False
        client.cancel()
        body_start(&self.request, BY_CHUNKS if head.chunked else (BY_LENGTH if head.content_length > 0 else NO_BODY),
                   head.content_length)
        plane.active += 1
        plane.recording.keep_head(self, p, head)
        return 0

    cdef int hold_piece(self, bytes piece) except -1:
        """Hold a piece of the body that waits for a connection, or, while the whole is small, for a second try."""
        self.held_size += len(piece)
        if self.replayable and self.held_size > self.group.held_body:
            self.replayable = False
            if self.upstream is not None and self.upstream.handed:
                self.first = None
                self.rest = None
        if self.upstream is None or self.replayable or not self.upstream.handed:
            if self.rest is None:
                self.rest = []
            self.rest.append(piece)
        return 0

    cdef int use_endpoint(self, Endpoint endpoint) except -1:
        """Count this request on `endpoint` and no longer on the one before."""
        if endpoint is self.endpoint:
            return 0
        if self.endpoint is not None:
            self.endpoint.active -= 1
        self.endpoint = endpoint
        if endpoint is not None:
            endpoint.active += 1
        return 0

    cdef bint meets_fault(self) except -1:
        """Whether a drill's fault takes the place of the endpoint in this try: see faults.py."""
        cdef object way = self.plane.faults.way(self.route, self.endpoint, self.client_key)
        if way is None:
            return False
        self.connect_by(way)
        return True

    cdef int connect_again(self) except -1:
        """Hand over to the slow path, which opens a connection and comes back by `attach` or `connect_failed`."""
        return self.connect_by(self.plane.connect)

    cdef int connect_by(self, object way) except -1:
        cdef Plane plane = self.plane
        if not self.request.done:
            self.client.hold(HOLD_CONNECTING)
        task = plane.loop.create_task(way(plane, self, self.generation))
        plane.tasks.add(task)
        task.add_done_callback(plane.tasks.discard)
        return 0

    def attach(self, uint64_t generation, UpstreamSide connection):
        """The slow path's connection; False: the request has ended meanwhile."""
        if generation != self.generation or self.client is None:
            return False
        if self.client.full:
            connection.hold(HOLD_PEER_FULL)             # an older answer is still in the way of this one
        self.send_request(connection, clock_ns())
        self.client.go_on(HOLD_CONNECTING)
        return True

    def resume(self, uint64_t generation, Endpoint endpoint):
        """The pause before another try is over: try `endpoint`."""
        if generation == self.generation and self.client is not None:
            self.use_endpoint(endpoint)
            self.send_or_connect(clock_ns())

    def not_reached(self, uint64_t generation):
        """The slow path could not connect to one endpoint, and may try another."""
        if generation == self.generation:
            self.unreached += 1

    def connect_failed(self, uint64_t generation, str reason, str detail):
        """The slow path found no endpoint; `reason` is one of model.errors, which says whose fault that is."""
        if generation != self.generation or self.client is None:
            return
        refusal = errors.BY_REASON[reason]
        if reason == "no_endpoint":
            deny(self, DECIDED_ERROR, errors.REFUSALS.index(refusal), detail, clock_ns())
        elif refusal.side is errors.Side.UPSTREAM:
            upstream_failure(self, errors.REFUSALS.index(refusal), detail, clock_ns())
        elif reason == "pool_full":
            deny(self, DECIDED_SATURATED, errors.REFUSALS.index(refusal), detail, clock_ns())
        else:
            refuse(self, errors.REFUSALS.index(refusal), detail, clock_ns())

    cdef int expired(self, uint64_t now) except -1:
        """The route's time for the whole request is over: the upstream's fault, if it had all of the request and was
        silent. A client that sends or reads slowly must not open a breaker."""
        cdef ClientSide client = self.client
        try:
            self.failed_upstream = self.sent and self.request.done and not self.answered
            return deny(self, DECIDED_TIMEOUT, REQUEST_TIMEOUT, "", now)
        except Exception:
            return client.failed()

    def __repr__(self):
        return f"<Exchange {self.generation} route={self.route} status={self.status} tunnel={self.tunnel}>"
