"""Chunked bodies: what they decode to, where they end, what is refused."""
import pytest
from http_messages import refused_chunks

from gateway.dataplane import http1

LAST = b"0\r\n\r\n"


def decoded(*pieces: bytes) -> tuple[bytes, bytes]:
    """What a body that must be whole decodes to, and what follows it."""
    reader, body, rest = http1.ChunkReader(), b"", b""
    for piece in pieces:
        consumed, data = reader.feed(piece)
        body, rest = body + data, rest + piece[consumed:]
    assert reader.done
    return body, rest


def test_chunks_are_joined_and_what_follows_the_body_is_left() -> None:
    assert decoded(b"5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n" + LAST + b"GET /") == (b"hello world", b"GET /")


def test_sizes_are_hexadecimal_in_either_case_and_may_begin_with_zeros() -> None:
    assert decoded(b"0A\r\n" + b"x" * 10 + b"\r\n00000000000000f\r\n" + b"y" * 15 + b"\r\n000\r\n\r\n") == (
        b"x" * 10 + b"y" * 15, b"")


def test_a_body_cut_at_every_octet_decodes_alike() -> None:
    body = b'5;a=b;c="d\\"e" ; f\r\nhello\r\n0;x\r\nGrpc-Status: 0\r\nEmpty:\r\n\r\nrest'
    pieces = [body[i:i + 1] for i in range(len(body))]
    assert decoded(*pieces) == decoded(body) == (b"hello", b"rest")


@pytest.mark.parametrize("size", ["", "x", "-1", "+1", "0x1", " 1", "g", "1" * 16, "0" * 16, "1_0", "1.", "\x00",
                                  "1\x00", "１"])
def test_a_size_is_1_to_15_hexadecimal_digits(size: str) -> None:
    assert refused_chunks(size.encode() + b"\r\nx\r\n") == "BAD_CHUNK_SIZE"


@pytest.mark.parametrize("extension", [b";a", b";a=b", b';a="b c"', b" ; a = b ;c", b'\t;\ta\t=\t"\\""', b';a="\xff\t"',
                                       b";a=b;c=d", b';a=""', b";" + b"a" * 254])
def test_extensions_by_the_grammar_pass(extension: bytes) -> None:
    assert decoded(b"1" + extension + b"\r\nx\r\n" + LAST) == (b"x", b"")


@pytest.mark.parametrize("extension", [b" ", b";", b";;", b";=", b";a=", b";a b", b";a=b c", b';a="b', b';a="b"c',
                                       b" a", b";a;", b";a ", b";a=b ", b';a="\x00"', b';a="\\\x01"', b";\x00", b";a=@",
                                       b";" + b"a" * 255, b";a\xe9", b';a="\n"', b"\t"])
def test_other_extensions_are_refused(extension: bytes) -> None:
    assert refused_chunks(b"1" + extension + b"\r\nx\r\n" + LAST) == "BAD_CHUNK_EXTENSION"


@pytest.mark.parametrize("body", [b"1\n", b"1\rx", b"1;a\n", b"1;a=b\n", b"0\r\n\n", b"0\r\n\rx", b"0\r\na: b\n",
                                  b"0\r\na\n", b"0\r\na: b\rc"])
def test_lines_end_in_crlf_and_in_nothing_else(body: bytes) -> None:
    assert refused_chunks(body) == "BAD_LINE_END"


@pytest.mark.parametrize("body", [b"1\r\nxy\r\n", b"1\r\nx\n", b"1\r\nx\rz", b"2\r\nx\r\n0\r\n\r\n"])
def test_data_ends_where_its_size_says_and_in_crlf(body: bytes) -> None:
    assert refused_chunks(body) == "BAD_CHUNK_END"


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "HOST", "Connection", "TE", "Trailer",
                                  "Upgrade", "Keep-Alive", "Authorization", "Cookie", "Set-Cookie", "Content-Encoding",
                                  "Expect", "Content-Type", "Content-Range", "X-Forwarded-For",
                                  "X-Forwarded-Anything-Else", "Forwarded", "Proxy-Authorization", "Proxy",
                                  "Content_Length", "Transfer______Encoding"])
def test_a_trailer_does_not_frame_route_or_authenticate(name: str) -> None:
    assert refused_chunks(f"0\r\n{name}: x\r\n\r\n".encode()) == "BAD_TRAILER"
    assert refused_chunks(f"0\r\nA: b\r\n{name}:".encode()) == "BAD_TRAILER"


@pytest.mark.parametrize("name", ["Grpc-Status", "Digest", "Server-Timing", "X-Forward", "Contents", "Via", "ETag",
                                  "X" * 64])
def test_other_trailers_pass(name: str) -> None:
    assert decoded(f"1\r\nx\r\n0\r\n{name}: v\r\n\r\n".encode()) == (b"x", b"")


@pytest.mark.parametrize("section", ["A : b\r\n", " A: b\r\n", "A: b\r\n c\r\n", ": b\r\n", "A\r\n", "A: \x00\r\n",
                                     "é: b\r\n", "A: " + "b" * 8192, "X" * 65])
def test_a_malformed_or_oversized_trailer_is_refused(section: str) -> None:
    assert refused_chunks(f"0\r\n{section}\r\n".encode()) == "BAD_TRAILER"


def test_many_small_trailers_count_together() -> None:
    assert refused_chunks(b"0\r\n" + b"A: b\r\n" * 1365 + b"\r\n") == "accepted"
    assert refused_chunks(b"0\r\n" + b"A: b\r\n" * 1366 + b"\r\n") == "BAD_TRAILER"


def test_nothing_is_taken_after_the_end() -> None:
    reader = http1.ChunkReader()
    assert reader.feed(LAST) == (5, b"")
    assert reader.feed(LAST) == (0, b"")
    assert repr(reader) == "ChunkReader(body=0, done=True)"
