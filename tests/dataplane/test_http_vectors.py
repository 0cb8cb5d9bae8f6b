"""The scanner against other people's requests: http-desync-guardian's vectors, and a real server's access log.

Ambiguous vectors that pass, and why: a GET or HEAD that carries one Content-Length or `Transfer-Encoding: chunked`.
RFC 9112 section 6: "The presence of a message body in a request is signaled by a Content-Length or Transfer-Encoding
header field. Request message framing is independent of method semantics." Such a message is framed one way only.
"""
import re
from collections import Counter

from http_messages import refusal
from http_vectors import Vector, read_vectors
from shared_data import shared

BODY_ON_GET = {"UndefinedContentLengthSemantics", "UndefinedTransferEncodingSemantics"}
LOGGED = re.compile(r'^\S+ \S+ \S+ \[[^]]+] "(?P<line>[^"]*)" \d+ \S+ "(?P<referer>.*)" "(?P<agent>[^"]*)"?$')


def is_sound_with_body_on_get(vector: Vector) -> bool:
    return vector.tier == "Ambiguous" and vector.reason in BODY_ON_GET and vector.method in ("GET", "HEAD")


def expected(vector: Vector) -> set[str]:
    """What may become of a Compliant vector."""
    if not vector.uri.isascii():
        return {"BAD_TARGET"}
    codings = [value.strip().lower() for name, value in vector.fields if name.lower() == "transfer-encoding"]
    return {"accepted"} if codings in ([], ["chunked"]) else {"BAD_TRANSFER_CODING"}


def test_every_severe_vector_is_refused() -> None:
    passed = [str(vector) for vector in read_vectors()
              if vector.tier == "Severe" and refusal(vector.head) in ("accepted", "incomplete")]
    assert passed == []


def test_every_ambiguous_vector_is_refused_but_for_a_body_on_get_and_head() -> None:
    passed = [vector for vector in read_vectors() if vector.tier == "Ambiguous" and refusal(vector.head) == "accepted"]
    assert len(passed) == 6
    assert [str(vector) for vector in passed if not is_sound_with_body_on_get(vector)] == []


def test_no_vector_leaves_the_scanner_waiting() -> None:
    assert [str(vector) for vector in read_vectors() if refusal(vector.head) == "incomplete"] == []


def test_every_compliant_vector_passes_but_for_other_codings_and_raw_non_ascii_targets() -> None:
    unexpected = {str(vector): refusal(vector.head) for vector in read_vectors()
                  if vector.tier == "Compliant" and refusal(vector.head) not in expected(vector)}
    assert unexpected == {}


def logged_request(line: str) -> bytes:
    """The request of one line of a combined log; "-" stands for a field not sent; one agent is cut short."""
    found = LOGGED.match(line)
    assert found is not None, line
    fields = {"Host": "example.com", "Referer": found["referer"], "User-Agent": found["agent"]}
    lines = [found["line"], *(f"{name}: {value}" for name, value in fields.items() if value != "-")]
    return "".join(f"{each}\r\n" for each in [*lines, ""]).encode()


def test_every_request_of_a_real_access_log_passes() -> None:
    lines = shared("access-logs/apache_logs").read_text(encoding="utf-8").splitlines()
    assert Counter(refusal(logged_request(line)) for line in lines) == {"accepted": 10_000}
