"""Segment files of the flight recorder: blocks of records that anybody can read back who has the file alone.

    <first UTC ns>.flight   blocks of records with their weights, compressed, each with what its numbers mean
    <first UTC ns>.arrivals blocks of (UTC ns, client key) of every request, for replaying limits

    block: magic, header size, count, packed size, CRC-32 of header and payload, first and last UTC ns; header; payload

A file is only ever appended to, and begun anew after SEGMENT_BYTES or SEGMENT_NS. A block that is torn (a crash, a full
disk) ends its file for readers, and is counted. The oldest files go when all together are larger than the bound.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gateway.record.flight import RECORD, Meanings, Records

MAGIC = b"FLT1"
HEAD = struct.Struct("<4sIIIIQQ")
SEGMENT_BYTES = 16 * 2**20
SEGMENT_NS = 600 * 10**9
LEVEL = 1                               # zlib: a record that is half text shrinks to a fifth, at 100 MB/s
FLIGHT, ARRIVALS = ".flight", ".arrivals"
ARRIVAL = np.dtype([("at_ns", "<u8"), ("client_key", "<u8")])


@dataclass(frozen=True, slots=True)
class Block:
    """Records in the order of their end, their weights, and what their numbers mean."""

    records: Records
    weights: npt.NDArray[np.float32]
    meanings: Meanings
    first_ns: int
    last_ns: int


class SegmentWriter:
    """Appends blocks to the files of one kind in a folder. Mutable state: the file that is written, and what is known
    of the sizes of all."""

    def __init__(self, folder: Path, kind: str, most_bytes: int) -> None:
        self._folder = folder
        self._kind = kind
        self.most_bytes = most_bytes
        self._file: int | None = None
        self._began = 0
        self._size = 0
        self.bytes = 0

    def append(self, header: bytes, payload: bytes, count: int, first_ns: int, last_ns: int) -> None:
        """Raises OSError: nothing of it counts then, and the file that may be torn is left for a new one."""
        if self._file is None or self._size >= SEGMENT_BYTES or last_ns - self._began >= SEGMENT_NS:
            self._begin(first_ns)
        assert self._file is not None
        checksum = zlib.crc32(payload, zlib.crc32(header))
        block = HEAD.pack(MAGIC, len(header), count, len(payload), checksum, first_ns, last_ns) + header + payload
        try:
            written = os.write(self._file, block)
            if written != len(block):
                raise OSError(28, "the disk is full")
        except OSError:
            self.close()
            raise
        self._size += written
        self.bytes += written

    def _begin(self, first_ns: int) -> None:
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room()
        path = self._folder / f"{first_ns:020d}{self._kind}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._began, self._size = first_ns, os.fstat(self._file).st_size

    def _make_room(self) -> None:
        """Leave room for one more segment below the bound."""
        known = [(path, path.stat().st_size) for path in paths(self._folder, self._kind)]
        self.bytes = sum(size for _, size in known)
        for path, size in known:
            if self.bytes + SEGMENT_BYTES <= self.most_bytes:
                return
            path.unlink(missing_ok=True)
            self.bytes -= size

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __repr__(self) -> str:
        return f"<SegmentWriter {self._kind} {self.bytes} of {self.most_bytes} bytes>"


def pack(records: Records, weights: npt.NDArray[np.float32]) -> bytes:
    return zlib.compress(records.tobytes() + weights.astype("<f4").tobytes(), LEVEL)


def paths(folder: Path, kind: str) -> list[Path]:
    """The segment files, the oldest first."""
    return sorted(folder.glob(f"*{kind}"))


def blocks(path: Path) -> Iterator[Block | None]:
    """The blocks of a `.flight` file in order; None where it is torn, which ends it."""
    for header, payload, count, first_ns, last_ns in raw_blocks(path):
        if header is None:
            yield None
            return
        try:
            raw = zlib.decompress(payload)
            split = count * RECORD.itemsize
            yield Block(np.frombuffer(raw[:split], RECORD), np.frombuffer(raw[split:], "<f4", count),
                        Meanings.from_json(header.decode()), first_ns, last_ns)
        except (zlib.error, ValueError, KeyError, TypeError):
            yield None
            return


def raw_blocks(path: Path) -> Iterator[tuple[bytes | None, bytes, int, int, int]]:
    """(header, payload, count, first, last) of each block; header None where the file is torn."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:               # it was the oldest, and had to go
        return
    at = 0
    while at < len(data):
        if len(data) - at < HEAD.size:
            yield None, b"", 0, 0, 0
            return
        magic, header_size, count, size, checksum, first_ns, last_ns = HEAD.unpack_from(data, at)
        body = data[at + HEAD.size : at + HEAD.size + header_size + size]
        if magic != MAGIC or len(body) != header_size + size or zlib.crc32(body) != checksum:
            yield None, b"", 0, 0, 0
            return
        yield body[:header_size], body[header_size:], count, first_ns, last_ns
        at += HEAD.size + header_size + size
