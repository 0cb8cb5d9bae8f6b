"""The compiled scanner against its reference, and against itself with the input cut up."""
import random

from http_messages import refusal
from http_mutations import ANSWERS, REQUESTS, mutated, pieces
from hypothesis import example, given, settings
from hypothesis import strategies as st
from parity.http1_reference import Reference, read

from gateway.dataplane import heads, http1

LINES = st.sampled_from(["GET / HTTP/1.1", "GET /a?b HTTP/1.0", "POST http://a/ HTTP/1.1", "OPTIONS * HTTP/1.1"])
FIELDS = st.sampled_from([
    "Host: a", "host: a:80", "Host: [::1]", "Content-Length: 5", "Content-Length: 0", "Transfer-Encoding: chunked",
    "Connection: close", "Connection: keep-alive, x", "Connection:", "X:", "X: y ", "X:\ty", "Content_Length: 1",
    "Connection: te", "TE: trailers", "Expect: 100-continue", "Upgrade: x", "X-Y: \xe9",
])
OCTETS = st.text(st.characters(max_codepoint=255), max_size=3)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A head of sensible lines, now and then with a few octets put in anywhere."""
    text = "\r\n".join([draw(LINES), *draw(st.lists(FIELDS, max_size=5)), "", ""])
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(OCTETS) + text[at:]
    return text.encode("latin-1")


def found(data: bytes) -> Reference | None:
    """What the compiled scanner finds, in the reference's terms."""
    try:
        head = http1.parse_request(data)
    except heads.HttpFault:
        return None
    if head is None:
        return None
    return Reference(head.size, head.method, head.path, head.query, head.host, head.host_name, head.fields,
                     head.content_length, head.chunked, head.keep_alive)


@given(requests())
@example(b"GET http://a HTTP/1.0\r\n\r\n")
@settings(max_examples=600, deadline=None)
def test_the_scanner_and_its_reference_agree_on_every_head(data: bytes) -> None:
    assert found(data) == read(data)


@given(st.randoms(use_true_random=False))
@settings(max_examples=1500, deadline=None)
def test_the_scanner_and_its_reference_agree_on_spoilt_requests(chance: random.Random) -> None:
    data = mutated(chance, REQUESTS)
    assert found(data) == read(data), data


@given(requests())
@settings(max_examples=100, deadline=None)
def test_a_prefix_is_incomplete_or_answered_like_the_whole(data: bytes) -> None:
    whole = refusal(data)
    answers = [refusal(data[:size]) for size in range(len(data))]
    assert set(answers) <= {"incomplete", whole}
    assert answers == sorted(answers, key=lambda answer: answer != "incomplete")


def read_chunks(parts: list[bytes]) -> tuple[str, bytes, int]:
    """How a body ended, what it decoded to (of a faulty one: nothing), and how many octets belonged to it."""
    reader, body, size = http1.ChunkReader(), b"", 0
    for part in parts:
        try:
            consumed, data = reader.feed(part)
        except heads.HttpFault as fault:
            return fault.name, b"", 0
        assert len(data) <= consumed <= len(part)
        body, size = body + data, size + consumed
    return "done" if reader.done else "incomplete", body, size


@given(st.randoms(use_true_random=False))
@settings(max_examples=800, deadline=None)
def test_a_chunked_body_reads_alike_however_it_is_cut(chance: random.Random) -> None:
    seeds = [seed.partition(b"\r\n\r\n")[2] for seed in [*REQUESTS, *ANSWERS] if b"hunked" in seed]
    data = mutated(chance, seeds)
    assert read_chunks(pieces(chance, data)) == read_chunks([data])


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5))
@settings(max_examples=200, deadline=None)
def test_what_is_sent_in_chunks_is_what_is_decoded(data: list[bytes]) -> None:
    wire = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in data) + b"0\r\n\r\n"
    assert read_chunks([wire, b"next"]) == ("done", b"".join(data), len(wire))
