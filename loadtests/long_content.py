"""A long body of any size, the same on every side, in which a lost, doubled or swapped piece changes the checksum.

It is never held whole: blocks of 1 MiB of noise, each beginning with its number.
"""

import functools
import random
from collections.abc import Iterator

BLOCK = 1024 * 1024


@functools.cache
def _noise() -> bytes:
    return random.Random(1).randbytes(BLOCK)


def blocks(size: int) -> Iterator[bytes]:
    """`size` bytes in all; the last block is cut."""
    noise = _noise()
    for number, begin in enumerate(range(0, size, BLOCK)):
        yield (number.to_bytes(8, "big") + noise[8:])[:size - begin]
