"""What the fields say of the message: length, coding, connection."""
import pytest
from http_messages import HOST, accepted, answer, message, refusal, refused_answer, request, response

POST = "POST / HTTP/1.1"


@pytest.mark.parametrize(("value", "length"), [("0", 0), ("5", 5), ("0005", 5), ("9" * 18, 10**18 - 1)])
def test_a_content_length_is_up_to_18_digits(value: str, length: int) -> None:
    assert accepted(request(f"Content-Length: {value}", line=POST)).content_length == length


@pytest.mark.parametrize("value", ["", "+5", "-5", "5,5", "5 5", "0x5", "5.0", "1" * 19, "५", "5;", "1e3"])
def test_any_other_content_length_is_refused(value: str) -> None:
    field = f"Content-Length: {value}".encode()
    assert refusal(request(line=POST)[:-2] + field + b"\r\n\r\n") == "BAD_CONTENT_LENGTH"


@pytest.mark.parametrize("second", ["5", "6"])
def test_content_length_comes_once_even_if_it_says_the_same(second: str) -> None:
    assert refusal(request("Content-Length: 5", f"content-length: {second}", line=POST)) == "BAD_CONTENT_LENGTH"


def test_chunked_in_any_case_is_the_one_transfer_coding() -> None:
    assert accepted(request("transfer-ENCODING: \t ChunKed ", line=POST)).chunked


@pytest.mark.parametrize("value", ["", "gzip", "gzip, chunked", "chunked, chunked", "chunked,", ",chunked", "identity",
                                   "chunked;q=1", "xchunked", "chunked x", '"chunked"'])
def test_any_other_transfer_coding_is_refused(value: str) -> None:
    assert refusal(request(f"Transfer-Encoding: {value}", line=POST)) == "BAD_TRANSFER_CODING"


def test_transfer_encoding_comes_once() -> None:
    assert refusal(request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")) == "BAD_TRANSFER_CODING"


@pytest.mark.parametrize("fields", [("Content-Length: 5", "Transfer-Encoding: chunked"),
                                    ("Transfer-Encoding: chunked", "Content-Length: 5"),
                                    ("Content-Length: 5", "Transfer-Encoding: gzip")])
def test_a_length_beside_a_coding_is_refused_in_either_order(fields: tuple[str, str]) -> None:
    assert refusal(request(*fields, line=POST)) == "LENGTH_AND_CODING"
    assert refused_answer(response(*fields)) == "LENGTH_AND_CODING"


def test_http_1_0_has_no_transfer_coding() -> None:
    assert refusal(request("Transfer-Encoding: chunked", line="POST / HTTP/1.0")) == "CODING_IN_HTTP10"
    assert refused_answer(response("Transfer-Encoding: chunked", line="HTTP/1.0 200 OK")) == "CODING_IN_HTTP10"


@pytest.mark.parametrize("name", ["Content_Length", "content__length", "Content.Length", "_Content-Length",
                                  "Content-Length_", "ContentLength", "Transfer_Encoding", "Transfer---Encoding",
                                  "TRANSFER.ENCODING", "transferencoding"])
def test_a_name_that_an_upstream_may_take_for_a_framing_field_is_refused(name: str) -> None:
    assert refusal(request(f"{name}: 5")) == "BAD_FIELD_NAME"


@pytest.mark.parametrize("name", ["X-Content-Length", "Content-Length-Hint", "Content-Lengt", "Transfer-Encodings"])
def test_a_name_that_only_resembles_a_framing_field_passes(name: str) -> None:
    assert accepted(request(f"{name}: 5")).content_length is None


@pytest.mark.parametrize(("line", "fields", "kept"), [
    ("GET / HTTP/1.1", (), True),
    ("GET / HTTP/1.1", ("Connection: close",), False),
    ("GET / HTTP/1.1", ("Connection: keep-alive, Close",), False),
    ("GET / HTTP/1.1", ("Connection: keep-alive", "Connection: close"), False),
    ("GET / HTTP/1.1", ("Connection: closed",), True),
    ("GET / HTTP/1.0", (), False),
    ("GET / HTTP/1.0", ("Connection: Keep-Alive",), True),
    ("GET / HTTP/1.0", ("Connection: close", "Connection: keep-alive"), False),
    ("GET / HTTP/1.0", ("Connection: foo",), False),
])
def test_the_version_and_connection_say_whether_it_is_kept_alive(line: str, fields: tuple[str], kept: bool) -> None:
    assert accepted(request(*fields, line=line)).keep_alive is kept
    assert answer(response(*fields, line=line.replace("GET / ", "") + " 200 OK")).keep_alive is kept


def dropped(*fields: str) -> list[str]:
    head = accepted(request(*fields))
    return [head.fields[index][0] for index in head.dropped]


def test_connection_names_the_fields_that_must_be_dropped() -> None:
    assert dropped("Connection: close, X-Secret ,,x-TWO", "X-Secret: 1", "x-secret: 2", "X-Secre: 3",
                   "Connection: X-Three", "X-Two: 4", "X-Three: 5") == ["X-Secret", "x-secret", "X-Two", "X-Three"]


def test_the_settings_of_http2_are_dropped_since_connection_names_them() -> None:
    assert dropped("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAM") == [
        "Upgrade", "HTTP2-Settings"]


def test_the_usual_options_of_connection_name_no_field() -> None:
    assert dropped("Connection: keep-alive, TE, Trailer, Upgrade", "TE: trailers", "Trailer: x") == []


@pytest.mark.parametrize("value", ["Host", "close, content-length", "Transfer-Encoding", "a b", "close;x", "a=b", '"x"',
                                   "close, é", "@"])
def test_connection_is_a_list_of_tokens_that_leave_the_framing_alone(value: str) -> None:
    assert refusal(request(f"Connection: {value}")) == "BAD_CONNECTION"


@pytest.mark.parametrize("value", ["", ",", " , ,", "close,", ",close"])
def test_empty_members_of_connection_are_legal(value: str) -> None:
    assert refusal(request(f"Connection: {value}")) == "accepted"


@pytest.mark.parametrize(("line", "fields", "upgrade"), [
    ("GET / HTTP/1.1", ("Connection: Upgrade", "Upgrade: websocket"), True),
    ("GET / HTTP/1.1", ("Upgrade: websocket", "Connection: keep-alive, upgrade"), True),
    ("GET / HTTP/1.1", ("Connection: Upgrade",), False),
    ("GET / HTTP/1.1", ("Upgrade: websocket",), False),
    ("GET / HTTP/1.0", ("Connection: Upgrade", "Upgrade: websocket"), False),
    ("POST / HTTP/1.1", ("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 0"), True),
    ("POST / HTTP/1.1", ("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 1"), False),
    ("POST / HTTP/1.1", ("Connection: Upgrade", "Upgrade: h2c", "Transfer-Encoding: chunked"), False),
])
def test_an_upgrade_needs_both_fields_and_http_1_1_and_no_body(line: str, fields: tuple[str], upgrade: bool) -> None:
    assert accepted(request(*fields, line=line)).upgrade is upgrade


def test_only_http_1_1_expects_100_continue() -> None:
    assert accepted(request("Expect: 100-Continue", line=POST)).expect_continue
    assert not accepted(request("Expect: 100-continue", line="POST / HTTP/1.0")).expect_continue
    assert not accepted(request("Expect: something", line=POST)).expect_continue


@pytest.mark.parametrize(("value", "wanted"), [("trailers", True), ("deflate;q=0.5, Trailers", True), ("", False),
                                               ("trailersx", False), ("gzip;trailers", False)])
def test_te_says_whether_trailers_are_wanted(value: str, wanted: bool) -> None:
    assert accepted(request(f"TE: {value}")).te_trailers is wanted


@pytest.mark.parametrize(("value", "seconds"), [("timeout=5", 5), ("max=100, Timeout=60", 60), ("timeout=5;x", 5),
                                                ("timeout=", None), ("timeout=x", None), ("max=5", None),
                                                ("timeout=" + "9" * 30, None)])
def test_keep_alive_says_for_how_many_seconds(value: str, seconds: int | None) -> None:
    assert answer(response(f"Keep-Alive: {value}")).keep_alive_timeout == seconds


@pytest.mark.parametrize(("line", "method", "fields", "body"), [
    ("HTTP/1.1 200 OK", "GET", ("Content-Length: 5",), "length"),
    ("HTTP/1.1 200 OK", "GET", ("Transfer-Encoding: chunked",), "chunks"),
    ("HTTP/1.1 200 OK", "GET", (), "close"),
    ("HTTP/1.1 200 OK", "HEAD", ("Content-Length: 5",), "none"),
    ("HTTP/1.1 200 OK", "HEAD", ("Transfer-Encoding: chunked",), "none"),
    ("HTTP/1.1 304 Not Modified", "GET", ("Content-Length: 5",), "none"),
    ("HTTP/1.1 204 No Content", "GET", (), "none"),
    ("HTTP/1.1 204 No Content", "GET", ("Transfer-Encoding: chunked",), "none"),
    ("HTTP/1.1 100 Continue", "POST", (), "none"),
    ("HTTP/1.1 101 Switching Protocols", "GET", (), "none"),
    ("HTTP/1.1 205 Reset Content", "GET", ("Content-Length: 0",), "length"),
])
def test_the_body_of_an_answer_ends_by_rfc_9112_6_3(line: str, method: str, fields: tuple[str], body: str) -> None:
    assert answer(response(*fields, line=line), method).body == body


def test_host_in_an_answer_means_nothing() -> None:
    assert refused_answer(response("Host: a b", "Host: c")) == "accepted"


def test_a_request_without_length_and_coding_has_none() -> None:
    head = accepted(message("POST / HTTP/1.1", HOST))
    assert (head.content_length, head.chunked) == (None, False)
