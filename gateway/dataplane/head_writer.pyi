class HeadWriter:
    """A growable buffer for message heads; only compiled code can put anything in it."""

def written(*parts: bytes | int) -> tuple[bytes, int, int]:
    """For tests: `(content, capacity before it was taken, capacity after)` of parts put into a new writer.

    Raises MemoryError above 1 MiB.
    """

def hex64(value: int) -> bytes:
    """For tests: the 16 lower-case hexadecimal digits of an unsigned 64-bit value."""
