"""How the gateway says no: problem+json (RFC 9457) with the reason, what to do next, and the request id.

Out of the ordinary by nature, so written in Python; only the table's numbers are compiled in, and checked here
against `model.errors`, which is the law. What is out of the ordinary may come by the ten thousand a second all the
same, when most is turned away: an answer is made once a second, and the request's id put into it for each.
"""
from libc.stdint cimport uint64_t

from gateway.dataplane.http1 cimport (
    BAD_START_LINE, BAD_TRANSFER_CODING, BAD_VERSION, HEAD_TOO_LARGE, LINE_TOO_LONG, METHOD_REFUSED, TARGET_TOO_LONG,
    TOO_MANY_FIELDS, HeadWriter, fault_text,
)

import json
import time
from email.utils import formatdate

from gateway.model.errors import REFUSALS

cdef tuple NAMES = (
    "bad_request", "no_route", "method_not_allowed", "head_timeout", "body_timeout", "body_too_large",
    "target_too_long", "head_too_large", "gateway_fault", "not_implemented", "version_not_supported",
    "connect_failed", "upstream_reset", "upstream_malformed", "no_endpoint", "pool_full", "too_many_connections",
    "draining", "connect_timeout", "first_byte_timeout", "upstream_idle", "request_timeout", "isolated", "limited",
    "shed", "saturated", "open",
)
if tuple(each.reason for each in REFUSALS) != NAMES or len(NAMES) != REFUSAL_COUNT:
    raise ImportError("model/errors.py and dataplane/refusals.pxd disagree about the order of refusals")

# What a 405 names where no route could be asked: for CONNECT and TRACE, which nothing takes.
cdef bytes COMMON_METHODS = b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n"

cdef int STATUS[REFUSAL_COUNT]
for _index, _each in enumerate(REFUSALS):
    STATUS[_index] = _each.status

cdef object date_second = -1
cdef bytes date_text = b""


cdef int status_of(int refusal) noexcept:
    return STATUS[refusal] if 0 <= refusal < REFUSAL_COUNT else 500


cdef bytes date_line():
    """The Date field of answers that the gateway makes itself; formatted once a second."""
    global date_second, date_text
    second = int(time.time())
    if second != date_second:
        date_second = second
        date_text = b"Date: %s\r\n" % formatdate(second, usegmt=True).encode()
    return date_text


cdef int refusal_of_fault(Py_ssize_t fault) noexcept:
    """The refusal for a faulty request head or body."""
    if fault == TARGET_TOO_LONG:
        return TARGET_TOO_LONG_
    if fault == LINE_TOO_LONG or fault == TOO_MANY_FIELDS or fault == HEAD_TOO_LARGE:
        return HEAD_TOO_LARGE_
    if fault == BAD_TRANSFER_CODING:
        return NOT_IMPLEMENTED
    if fault == BAD_VERSION:
        return VERSION_NOT_SUPPORTED
    if fault == METHOD_REFUSED:
        return METHOD_NOT_ALLOWED
    return BAD_REQUEST


cdef str text_of_fault(Py_ssize_t fault):
    return (<bytes>fault_text(<int>fault)).decode()


cdef str text_of_answer_fault(Py_ssize_t fault):
    """The same for an upstream's head, whose first line is another."""
    if fault == BAD_START_LINE or fault == BAD_VERSION:
        return "The upstream's first line is not `HTTP/1.1 status reason`."
    return text_of_fault(fault)


cdef bytes refusal_answer(int refusal, str detail, str request_id, bint keep, bint without_body,
                          bytes fields=b"", dict members=None):
    """The whole answer. `detail` tells this case, the table's hint what to do next; `keep`: the connection goes on;
    `fields` are more lines of its head, `members` more of the document, instead of ours where they have the name."""
    told = REFUSALS[refusal]
    problem = {"type": "about:blank", "title": told.title, "status": told.status, "detail": detail or told.hint,
               "reason": told.reason, "side": told.side.value, "retry": told.retry}
    if detail:
        problem["hint"] = told.hint
    if members is not None:
        problem.update(members)
    lines = [b"HTTP/1.1 %d %s\r\n" % (told.status, told.title.encode()), date_line(),
             b"Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"]
    if request_id:
        problem["request_id"] = request_id
        lines.append(b"X-Request-Id: %s\r\n" % request_id.encode())
    if fields:
        lines.append(fields)
    elif refusal == METHOD_NOT_ALLOWED:
        lines.append(COMMON_METHODS)
    elif told.retry and told.status == 503:
        lines.append(b"Retry-After: 1\r\n")
    body = json.dumps(problem).encode() + b"\n"
    lines.append(b"Content-Length: %d\r\n" % len(body))
    if not keep:
        lines.append(b"Connection: close\r\n")
    lines.append(b"\r\n")
    if not without_body:
        lines.append(body)
    return b"".join(lines)


# ---------------------------------------------------------------------- the answers of this second

cdef enum:
    SAYINGS_MAX = 1024              # in a second; more than that are made anew
    ID_DIGITS = 32

cdef str NO_ID = "#" * ID_DIGITS    # no text of ours has that


cdef class Answer:
    """A whole answer with two gaps for the request's id, in its head and in its body; or with none."""

    def __cinit__(self, bytes text, bint has_id):
        gap = NO_ID.encode()
        self.text = text
        self.in_head = text.index(gap) if has_id else -1
        self.in_body = text.rfind(gap) if has_id else -1

    cdef bytes of(self, HeadWriter w, uint64_t high, uint64_t low):
        cdef const char* p = <const char*>self.text
        cdef Py_ssize_t rest = self.in_body + ID_DIGITS
        if self.in_head < 0:
            return self.text
        w.clear()
        w.put(p, self.in_head)
        w.put_hex64(high)
        w.put_hex64(low)
        if self.in_body > self.in_head:
            w.put(p + self.in_head + ID_DIGITS, self.in_body - self.in_head - ID_DIGITS)
            w.put_hex64(high)
            w.put_hex64(low)
        w.put(p + rest, len(self.text) - rest)
        return w.take()


cdef class Told:
    """What is told beside a refusal: lines of its head, members of its document; and the answers made with them."""

    def __cinit__(self, bytes fields, dict members):
        self.fields = fields
        self.members = members
        self.answers = {}

    cdef Answer answer(self, int refusal, bint has_id, bint keep, bint without_body):
        cdef int key = refusal << 3 | has_id << 2 | keep << 1 | without_body
        cdef Answer found = self.answers.get(key)
        if found is None:
            found = Answer(refusal_answer(refusal, "", NO_ID if has_id else "", keep, without_body, self.fields,
                                          self.members), has_id)
            self.answers[key] = found
        return found


cdef class Sayings:
    """What is told in this second, by what it is told of. Mutable, and bounded."""

    def __cinit__(self):
        self.told = {}
        self.forget()

    cdef void forget(self):
        self.date = date_line()
        self.told.clear()
        self.plain = Told(b"", None)

    cdef Told nothing(self):
        """For a refusal that speaks for itself."""
        if self.date is not date_line():
            self.forget()
        return self.plain

    cdef Told get(self, tuple key):
        if self.date is not date_line():
            self.forget()
        return self.told.get(key)

    cdef Told put(self, tuple key, Told told):
        if len(self.told) >= SAYINGS_MAX:
            self.told.clear()
        self.told[key] = told
        return told
