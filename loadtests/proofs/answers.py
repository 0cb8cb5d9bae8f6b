"""What a client saw of one request."""

from typing import NamedTuple

NO_ANSWER = 0


class Answer(NamedTuple):
    """`at` on the monotonic clock when it was asked; `seconds` until its last byte; `status` 0: cut off."""

    at: float
    seconds: float
    status: int
