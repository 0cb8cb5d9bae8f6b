"""The fields of a head, its limits, and that every fault of the table can be met."""
import pytest
from http_messages import accepted, message, refusal, refused_answer, refused_chunks, request, response

from gateway.dataplane import heads, http1

# One message for every fault; the statuses beside them are what the sender of such a request is told.
REQUESTS: dict[str, tuple[int, bytes]] = {
    "BAD_START_LINE": (400, request(line="GET /")),
    "BAD_METHOD": (400, request(line="G@T / HTTP/1.1")),
    "BAD_TARGET": (400, request(line="GET /../etc HTTP/1.1")),
    "BAD_VERSION": (505, request(line="GET / HTTP/2.0")),
    "BAD_LINE_END": (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    "BAD_FIELD_NAME": (400, request("Bad Name: x")),
    "BAD_FIELD_VALUE": (400, request("Name: \x00")),
    "OBS_FOLD": (400, request("Name: one", " two")),
    "BAD_HOST": (400, message("GET / HTTP/1.1")),
    "BAD_CONTENT_LENGTH": (400, request("Content-Length: +1")),
    "LENGTH_AND_CODING": (400, request("Content-Length: 1", "Transfer-Encoding: chunked")),
    "BAD_TRANSFER_CODING": (501, request("Transfer-Encoding: gzip")),
    "TARGET_TOO_LONG": (414, request(line=f"GET /{'a' * 8192} HTTP/1.1")),
    "LINE_TOO_LONG": (431, request("Name: " + "a" * 8192)),
    "TOO_MANY_FIELDS": (431, request(*["a: b"] * 100)),
    "HEAD_TOO_LARGE": (431, request(*["a: " + "b" * 8000] * 5)),
    "BAD_CONNECTION": (400, request("Connection: host")),
    "METHOD_REFUSED": (405, b"CONNECT example.com:443 HTTP/1.1\r\n"),
    "CODING_IN_HTTP10": (400, request("Transfer-Encoding: chunked", line="POST / HTTP/1.0")),
}
ANSWERS = {"BAD_STATUS": response(line="HTTP/1.1 99 No")}
BODIES = {
    "BAD_CHUNK_SIZE": b"x\r\n",
    "BAD_CHUNK_EXTENSION": b"1;=\r\n",
    "BAD_CHUNK_END": b"1\r\nab",
    "BAD_TRAILER": b"0\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("fault", REQUESTS)
def test_each_fault_of_a_request_has_its_status(fault: str) -> None:
    status, data = REQUESTS[fault]
    with pytest.raises(heads.HttpFault) as caught:
        http1.parse_request(data)
    assert (caught.value.name, caught.value.status) == (fault, status)
    assert caught.value.text.endswith(".")


@pytest.mark.parametrize("fault", ANSWERS)
def test_each_fault_of_an_answer_can_be_met(fault: str) -> None:
    assert refused_answer(ANSWERS[fault]) == fault


@pytest.mark.parametrize("fault", BODIES)
def test_each_fault_of_a_chunked_body_can_be_met(fault: str) -> None:
    assert refused_chunks(BODIES[fault]) == fault


def test_no_fault_of_the_table_is_left_out_here() -> None:
    assert {name for _, name, _, _ in http1.FAULTS} == {*REQUESTS, *ANSWERS, *BODIES}


def test_the_numbers_of_the_faults_are_one_each() -> None:
    assert sorted(-code for code, *_ in http1.FAULTS) == list(range(1, 25))


def test_a_head_ends_with_its_empty_line_and_what_follows_is_left() -> None:
    head = accepted(request("A: b") + b"body")
    assert head.size == len(request("A: b"))
    assert head.fields == (("Host", "example.com"), ("A", "b"))


@pytest.mark.parametrize(("line", "value"), [("A:b", "b"), ("A: b", "b"), ("A: \t b c \t ", "b c"), ("A:", ""),
                                             ("A:  ", ""), ("A: é\xff", "é\xff"), ("A: \"<{}>:,", '"<{}>:,')])
def test_white_space_around_a_value_is_trimmed_and_nothing_else_changed(line: str, value: str) -> None:
    assert accepted(request(line)).values("a") == [value]


@pytest.mark.parametrize("line", ["A : b", "A\t: b", ": b", "A", "A B: c", "A\x00: b", "é: b", "A(: b", "(A): b",
                                  "A\x7f: b", '"A": b', "A@: b", "A/b: c"])
def test_a_field_name_is_a_token_and_its_colon_follows_at_once(line: str) -> None:
    assert refusal(request(line)) == "BAD_FIELD_NAME"


@pytest.mark.parametrize("name", ["!#$%&'*+-.^_`|~", "0", "X_Under_Score", "a.b"])
def test_every_token_is_a_field_name(name: str) -> None:
    assert accepted(request(f"{name}: x")).values(name) == ["x"]


@pytest.mark.parametrize("octet", [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
@pytest.mark.parametrize("before", [0, 3, 15, 16, 40])
def test_a_control_octet_anywhere_in_a_value_is_refused(octet: int, before: int) -> None:
    assert refusal(request(f"A: {'x' * before}{chr(octet)}{'y' * 20}")) == "BAD_FIELD_VALUE"


@pytest.mark.parametrize("tail", ["A: b\nC: d", "A: b\rC: d", "A\n: b", "A: b\r\r", "\n"])
def test_a_line_ends_in_crlf_and_in_nothing_else(tail: str) -> None:
    assert refusal(request(tail)) == "BAD_LINE_END"


def test_a_fault_is_told_before_the_rest_of_the_head_arrives() -> None:
    for fault, (_, data) in REQUESTS.items():
        first = next(size for size in range(len(data) + 1) if refusal(data[:size]) not in ("incomplete", "accepted"))
        assert {refusal(data[:size]) for size in range(first, len(data) + 1)} == {fault}
        assert {refusal(data[:size]) for size in range(first)} == {"incomplete"}


@pytest.mark.parametrize("first", [" Host: a", "\tHost: a"])
def test_white_space_before_the_first_field_is_a_fold_of_nothing(first: str) -> None:
    assert refusal(message("GET / HTTP/1.1", first)) == "OBS_FOLD"


def test_limits_are_met_exactly() -> None:
    target, line, fields = "/" + "t" * 99, "A: " + "b" * 97, ["A: b"] * 9
    assert refusal(request(line=f"GET {target} HTTP/1.1"), (100, 10, 999)) == "accepted"
    assert refusal(request(line=f"GET {target}t HTTP/1.1"), (100, 10, 999)) == "TARGET_TOO_LONG"
    assert refusal(request(line), (100, 10, 999)) == "accepted"
    assert refusal(request(line + "b"), (100, 10, 999)) == "LINE_TOO_LONG"
    assert refusal(request(*fields), (100, 10, 999)) == "accepted"
    assert refusal(request(*fields, "A: b"), (100, 10, 999)) == "TOO_MANY_FIELDS"
    assert refusal(request(line), (100, 10, len(request(line)))) == "accepted"
    assert refusal(request(line), (100, 10, len(request(line)) - 1)) == "HEAD_TOO_LARGE"


@pytest.mark.parametrize(("start", "fault"), [
    (b"GET /" + b"a" * 100, "TARGET_TOO_LONG"),
    (b"GET / HTTP/1.1\r\n" + b"A" * 101, "LINE_TOO_LONG"),
    (b"GET / HTTP/1.1\r\nA: " + b"b" * 98, "LINE_TOO_LONG"),
    (b"GET / HTTP/1.1\r\nA:" + b" " * 99, "LINE_TOO_LONG"),
    (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10 + b"C", "TOO_MANY_FIELDS"),
    (b"GET / HTTP/1.1\r\n" + b"A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" * 8, "HEAD_TOO_LARGE"),
])
def test_limits_hold_for_heads_that_have_not_arrived_in_full(start: bytes, fault: str) -> None:
    assert refusal(start, (100, 10, 300)) == fault
    assert refusal(start[:-1], (100, 10, 300)) in ("incomplete", "HEAD_TOO_LARGE")


def test_no_more_fields_are_taken_than_a_head_has_room_for() -> None:
    assert refusal(request(*["A: b"] * 255), (8192, 100_000, 32768)) == "accepted"
    assert refusal(request(*["A: b"] * 256), (8192, 100_000, 32768)) == "TOO_MANY_FIELDS"


def test_nothing_at_all_is_incomplete() -> None:
    assert refusal(b"") == "incomplete"
    assert refused_answer(b"") == "incomplete"


def test_a_fault_reads_as_a_sentence_with_its_name_and_status() -> None:
    with pytest.raises(heads.HttpFault, match=r"^BAD_HOST \(400\): Send exactly one valid Host header"):
        http1.parse_request(message("GET / HTTP/1.1"))
