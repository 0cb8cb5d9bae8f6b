from typing import Final

from gateway.dataplane.heads import RequestHead, ResponseHead

FAULTS: Final[tuple[tuple[int, str, int, bytes], ...]]

def parse_request(data: bytes, limits: tuple[int, int, int] = (8192, 100, 32768)) -> RequestHead | None:
    """The request head that `data` begins with; None while it is incomplete.

    `limits`: octets of the target or of a field line, fields, octets of the head. Raises heads.HttpFault.
    """

def parse_response(
    data: bytes, method: str = "GET", limits: tuple[int, int, int] = (8192, 100, 32768)
) -> ResponseHead | None:
    """The response head that `data` begins with, in answer to `method`; None while incomplete. As parse_request."""

class ChunkReader:
    """A chunked body, fed piecewise. After a fault it must not be fed again."""

    @property
    def done(self) -> bool: ...
    def feed(self, data: bytes) -> tuple[int, bytes]:
        """How many octets of `data` belong to the body, and the data decoded from them. Raises heads.HttpFault."""
