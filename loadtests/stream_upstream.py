"""The server behind the gateway in `loadtests.stream`: sends long bodies, and hashes what it receives.

GET /download?size=N sends N bytes. PUT /upload answers with the length and SHA-256 of what came.
PUT /slow takes 1 KiB per second for as long as the client stays. GET /sent tells what the last download sent.
"""

import argparse
import contextlib
import hashlib
import http.server
import json
import time
import urllib.parse
from collections.abc import Iterator
from io import BufferedIOBase

from loadtests import long_content

PIECE = 256 * 1024
SLOW_PIECE = 1024  # bytes per second


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sent: dict[str, object] = {}  # noqa: RUF012  # of the whole server: told by GET /sent

    def do_GET(self) -> None:
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/download":
            self._send(int(urllib.parse.parse_qs(address.query)["size"][0]))
        else:
            self._answer(Handler.sent)

    def do_PUT(self) -> None:
        if self.path == "/slow":
            self._dawdle()
            return
        digest, size = hashlib.sha256(), 0
        for piece in self._received():
            digest.update(piece)
            size += len(piece)
        self._answer({"bytes": size, "sha256": digest.hexdigest()})

    def log_message(self, *_arguments: object) -> None:
        """Quiet: only tracebacks are of interest."""

    def _send(self, size: int) -> None:
        digest = hashlib.sha256()
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a slow reader leaves before the end
            for block in long_content.blocks(size):
                digest.update(block)
                self.wfile.write(block)
            Handler.sent = {"bytes": size, "sha256": digest.hexdigest()}

    def _dawdle(self) -> None:
        self.close_connection = True
        with contextlib.suppress(ConnectionError):
            while self.rfile.read(SLOW_PIECE):
                time.sleep(1)

    def _answer(self, value: dict[str, object]) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _received(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            yield from _chunks(self.rfile)
        else:
            yield from _pieces(self.rfile, int(self.headers.get("Content-Length", "0")))


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while size := int(stream.readline().split(b";")[0], 16):
        yield from _pieces(stream, size)
        stream.readline()
    while stream.readline().strip():
        pass  # trailers


def _pieces(stream: BufferedIOBase, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read(min(size, PIECE))
        if not piece:
            raise ConnectionError(f"the body ended {size} bytes early")
        yield piece
        size -= len(piece)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # its default of 5 makes connects wait for a retransmission when many come at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    Server(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()


if __name__ == "__main__":
    main()
