"""Messages to begin with and the ways to spoil them, for fuzzing by a seeded random generator."""
import random

FORM = b"POST /form HTTP/1.1\r\nHost: example.com\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello=world"
CHUNKS = b'5;a=b;c="d\\"e"\r\nhello\r\n6\r\n world\r\n0\r\n'
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"GET /a/b;c?d=e&f[]=%41 HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    b"\r\nHEAD /x%2fy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
    b"GET http://example.com/a?b HTTP/1.1\r\nhost: EXAMPLE.com\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
    FORM,
    FORM + FORM,
    b"PUT /u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n"
    + CHUNKS + b"Digest: x\r\n\r\n",
    b"PATCH /u HTTP/1.1\r\nHost: a\r\ntransfer-encoding:\tChunked \r\n\r\n" + CHUNKS + b"\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, X-Drop\r\nUpgrade: websocket\r\nX-Drop: 1\r\n\r\n",
    b"POST /c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"DELETE /%C3%A9 HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=\"d\"\r\n"
    b"User-Agent: M/5.0 (X11; Linux) \xe9\r\nEmpty:\r\n\r\n",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5, max=9\r\n\r\n" + CHUNKS + b"A: b\r\n\r\n",
    b"HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n<p>until close",
    b"HTTP/1.1 204\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n",
]
# What parsers have stumbled over: separators, line ends, framing words, numbers at the edges.
MORSELS = [
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"=", b'"', b"\\", b"\x00", b"\x7f", b"\xff",
    b"\x0b", b"0", b"5", b"+1", b"-1", b"999999999999999999", b"1000000000000000000", b"fffffffffffffff", b"%",
    b"%00", b"%2e",
    b"/../", b"/./", b"?", b"#", b"@", b"*", b"[", b"]", b"chunked", b"gzip", b"identity", b"close", b"keep-alive",
    b"upgrade", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"http://", b"Host: b\r\n", b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content_Length: 5\r\n", b"Connection: Host\r\n", b"Connection: x\r\n",
    b" folded\r\n", b"X: y\r\n", b"CONNECT", b"TRACE", b"GET", b"get", b"A" * 33,
]


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """One seed, spoilt at up to four places."""
    data = chance.choice(seeds)
    for _ in range(chance.randint(0, 4)):
        at = chance.randint(0, len(data))
        to = min(len(data), at + chance.choice([0, 0, 1, 1, 2, 7, 40]))
        data = data[:at] + inserted(chance, data, seeds) + data[to:]
    return data


def inserted(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    """Nothing, a known morsel, any octet, or a piece of this seed or of another."""
    kind = chance.randrange(5)
    if kind == 0:
        return b""
    if kind == 1:
        return bytes([chance.randrange(256)])
    if kind == 2:
        other = chance.choice([data, chance.choice(seeds)])
        at = chance.randint(0, len(other))
        return other[at:at + chance.randint(0, 40)]
    return chance.choice(MORSELS)


def pieces(chance: random.Random, data: bytes) -> list[bytes]:
    """The data cut at up to eight places."""
    cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(1, 8)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
