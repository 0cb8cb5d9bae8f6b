"""The request line and the status line."""
import pytest
from http_messages import accepted, answer, message, refusal, refused_answer, request, response

METHOD_BITS = {"GET": 1, "HEAD": 2, "POST": 4, "PUT": 8, "DELETE": 16, "OPTIONS": 32, "PATCH": 64}


@pytest.mark.parametrize(("method", "bit"), [*METHOD_BITS.items(), ("PROPFIND", 128), ("get", 128), ("M-SEARCH", 128)])
def test_each_method_is_one_bit_and_any_other_token_is_the_last(method: str, bit: int) -> None:
    head = accepted(request(line=f"{method} / HTTP/1.1"))
    assert (head.method, head.method_bit) == (method, bit)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_connect_and_trace_are_refused_before_their_target_is_read(method: str) -> None:
    assert refusal(f"{method} ".encode()) == "METHOD_REFUSED"


@pytest.mark.parametrize("line", [" GET / HTTP/1.1", "GE(T / HTTP/1.1", "GET\t/ HTTP/1.1", "G\x00T / HTTP/1.1",
                                  "GÉT / HTTP/1.1", "X" * 33 + " / HTTP/1.1"])
def test_a_method_is_a_token_of_at_most_32_octets_then_one_space(line: str) -> None:
    assert refusal(message(line)) == "BAD_METHOD"


def test_a_method_of_32_octets_passes() -> None:
    assert accepted(request(line="X" * 32 + " / HTTP/1.1")).method == "X" * 32


@pytest.mark.parametrize("line", ["GET /", "GET / ", "GET", "GET / http/1.1", "GET / HTTP/1,1", "GET / HTTP/1.1 ",
                                  "GET / HTTP/1.10", "GET /a b HTTP/1.1", "GET /  HTTP/1.1", "GET / XTTP/1.1",
                                  "GET / HTTP/1"])
def test_the_request_line_has_three_parts_and_single_spaces(line: str) -> None:
    assert refusal(message(line, "Host: a")) == "BAD_START_LINE"


@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0"])
def test_another_version_of_http_is_answered_505(version: str) -> None:
    assert refusal(message(f"GET / {version}", "Host: a")) == "BAD_VERSION"


def test_the_preface_of_http2_is_answered_505() -> None:
    assert refusal(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == "BAD_VERSION"


def test_one_empty_line_before_a_request_is_ignored_and_counted() -> None:
    head = accepted(b"\r\n" + request())
    assert (head.method, head.size) == ("GET", len(request()) + 2)


def test_a_second_empty_line_is_not_ignored() -> None:
    assert refusal(b"\r\n\r\n" + request()) == "BAD_START_LINE"


@pytest.mark.parametrize("start", [b"\n", b"\rG", b"GET\n", b"GET /\n", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\rX"])
def test_bare_cr_and_lf_are_refused_as_soon_as_they_are_seen(start: bytes) -> None:
    assert refusal(start) == "BAD_LINE_END"


def test_a_tls_handshake_on_a_plain_port_is_refused_at_its_first_octet() -> None:
    assert refusal(b"\x16") == "BAD_METHOD"


@pytest.mark.parametrize(("line", "status", "reason"), [
    ("HTTP/1.1 200 OK", 200, "OK"),
    ("HTTP/1.0 404 Not Found", 404, "Not Found"),
    ("HTTP/1.1 204 ", 204, ""),
    ("HTTP/1.1 204", 204, ""),
    ("HTTP/1.1 599 \xe9\t:)", 599, "\xe9\t:)"),
    ("HTTP/1.1 100 Continue", 100, "Continue"),
])
def test_a_status_line_has_a_status_and_perhaps_a_reason(line: str, status: int, reason: str) -> None:
    head = answer(response(line=line))
    assert (head.status, head.reason, head.version) == (status, reason, line[5:8])


@pytest.mark.parametrize("line", ["HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 X", "HTTP/1.1 600 X",
                                  "HTTP/1.1 2x0 OK", "HTTP/1.1  200 OK", "HTTP/1.1 200\tOK"])
def test_a_status_is_three_digits_from_100_to_599(line: str) -> None:
    assert refused_answer(response(line=line)) == "BAD_STATUS"


@pytest.mark.parametrize("line", ["", "200 OK", "http/1.1 200 OK", "HTTP/1.1\t200 OK", "ICY 200 OK",
                                  "HTTP/1.1 200 a\x00b"])
def test_an_answer_that_is_not_http_is_refused(line: str) -> None:
    assert refused_answer(response(line=line)) == "BAD_START_LINE"


def test_no_empty_line_may_come_before_an_answer() -> None:
    assert refused_answer(b"\r\n" + response()) == "BAD_START_LINE"


def test_an_answer_of_another_version_is_refused() -> None:
    assert refused_answer(response(line="HTTP/2.0 200 OK")) == "BAD_VERSION"


def test_a_reason_is_bounded_like_a_line() -> None:
    assert refused_answer(response(line="HTTP/1.1 200 " + "x" * 8193)) == "LINE_TOO_LONG"
