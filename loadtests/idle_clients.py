"""A process that holds many keep-alive connections, for `loadtests.idle`. It obeys lines on stdin:

`ask` sends a request on every connection and reads its whole answer; end of file ends it. It prints `answered N` after
each round of requests, the first right after connecting. Any other answer than a complete 200 ends it with an error.
"""

import argparse
import itertools
import socket
import sys
from collections.abc import Sequence

from loadtests import processes, scenarios

PATIENCE = 10.0  # seconds for one answer


def connect(port: int, sources: Sequence[str], count: int) -> list[socket.socket]:
    """Connections from each source address in turn: one address has only some 28,000 ports."""
    return [_connect(port, source) for source in itertools.islice(itertools.cycle(sources), count)]


def ask(connection: socket.socket, request: bytes, body: int) -> None:
    """One request and its answer. Raises ConnectionError when it is not a 200 with `body` bytes."""
    connection.sendall(request)
    received = bytearray()
    while (head := received.find(b"\r\n\r\n")) < 0 or len(received) < head + 4 + body:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError(f"closed after {len(received)} bytes of an answer: {bytes(received[:200])!r}")
        received += piece
    if not received.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"answered {bytes(received[:200])!r}")


def request_bytes(scenario: scenarios.Scenario) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in scenarios.REQUEST_HEADERS)
    return f"GET {scenario.target} HTTP/1.1\r\n{fields}\r\n".encode()


def _connect(port: int, source: str) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(PATIENCE)
    connection.bind((source, 0))
    connection.connect(("127.0.0.1", port))
    return connection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--source", action="append", required=True)
    options = parser.parse_args()
    processes.raise_open_files()
    scenario = scenarios.SCENARIOS["small"]
    request = request_bytes(scenario)
    connections = connect(options.port, options.source, options.count)
    for _ in itertools.chain(["ask"], sys.stdin):
        for connection in connections:
            ask(connection, request, scenario.body)
        print(f"answered {len(connections)}", flush=True)


if __name__ == "__main__":
    main()
