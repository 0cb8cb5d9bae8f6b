"""How the gateway says no: problem+json (RFC 9457) with the reason, what to do next, and the request id.

Out of the ordinary by nature, so written in Python; only the table's numbers are compiled in, and checked here
against `model.errors`, which is the law.
"""
from gateway.dataplane.http1 cimport (
    BAD_START_LINE, BAD_TRANSFER_CODING, BAD_VERSION, HEAD_TOO_LARGE, LINE_TOO_LONG, METHOD_REFUSED, TARGET_TOO_LONG,
    TOO_MANY_FIELDS, fault_text,
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
