"""Small builders of HTTP/1.1 messages, and the one word that says how a message was received."""
from gateway.dataplane import heads, http1

HOST = "Host: example.com"


def message(line: str, *fields: str) -> bytes:
    """A head of these lines, CRLF after each, and the empty line."""
    return "".join(f"{each}\r\n" for each in (line, *fields, "")).encode("latin-1")


def request(*fields: str, line: str = "GET / HTTP/1.1") -> bytes:
    """A request with a Host and these fields."""
    return message(line, HOST, *fields)


def response(*fields: str, line: str = "HTTP/1.1 200 OK") -> bytes:
    return message(line, *fields)


def accepted(data: bytes) -> heads.RequestHead:
    """The head of a request that must be complete and sound."""
    head = http1.parse_request(data)
    assert head is not None, "the head is incomplete"
    return head


def answer(data: bytes, method: str = "GET") -> heads.ResponseHead:
    """The head of a response that must be complete and sound."""
    head = http1.parse_response(data, method)
    assert head is not None, "the head is incomplete"
    return head


def refusal(data: bytes, limits: tuple[int, int, int] = (8192, 100, 32768)) -> str:
    """The fault of a request, or "incomplete", or "accepted"."""
    try:
        head = http1.parse_request(data, limits)
    except heads.HttpFault as fault:
        return fault.name
    return "incomplete" if head is None else "accepted"


def refused_answer(data: bytes) -> str:
    """The fault of a response, or "incomplete", or "accepted"."""
    try:
        head = http1.parse_response(data)
    except heads.HttpFault as fault:
        return fault.name
    return "incomplete" if head is None else "accepted"


def refused_chunks(data: bytes) -> str:
    """The fault of a chunked body, or "incomplete", or "accepted"."""
    reader = http1.ChunkReader()
    try:
        reader.feed(data)
    except heads.HttpFault as fault:
        return fault.name
    return "accepted" if reader.done else "incomplete"
