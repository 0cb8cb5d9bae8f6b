"""Recorded requests out of the flight recorder's segment files, in the order of time, as rows for a replay.

Above `recorder.rate` the recorder keeps a sample of the ordinary requests, but the arrival (time, client) of each. A
limit must see them all: so for what a block says it left out, arrivals that no record was kept of are taken in, each as
if it had asked for what the same client's nearest kept request asked for, or else the nearest one of anybody. How many
these are is told. Without the arrivals (a single file) they are only counted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gateway.config import _requests
from gateway.config._requests import Clients, Requests
from gateway.model.safeguards import SECOND
from gateway.record import segments
from gateway.record.segments import ARRIVAL, ARRIVALS, FLIGHT, Block

Words = npt.NDArray[np.uint64]
Arrivals = npt.NDArray[np.void]

TOGETHER = 50_000
"""Records: blocks are taken together until there are so many, so that those of all workers are in one order."""
ANOTHER_FLUSH_NS = SECOND // 2
"""A block that ends so much later than those before it is of another second: a good place to part."""

SAME_NS = SECOND // 1000
"""An arrival and its record may differ by so much: each is put into UTC when it is written."""


@dataclass(slots=True)
class Told:
    """What a recording did not hold. `imputed`: requests whose route is taken from another one; `unkept`: those that
    nothing but their number is known of; `torn`: files that end before their end."""

    imputed: int = 0
    unkept: int = 0
    torn: int = 0


def recorded(source: Path, clients: Clients, told: Told, since_ns: int = 0,
             progress: Callable[[int], object] = lambda size: None) -> Iterator[Requests]:
    """Slices of requests. `source`: a `.flight` file, or a folder of segments with their arrivals. `progress` is told
    the bytes of each file. Raises OSError or ValueError."""
    arrivals = _Arrivals(source, since_ns) if source.is_dir() else None
    for path in flight_files(source, since_ns):
        for blocks in _together(path, told, since_ns):
            requests = Requests(clients)
            requests.read_flight([(each.records.view(np.uint8).data, each.meanings.utc_offset, each.meanings.texts)
                                  for each in blocks], since_ns)
            left_out = round(sum(float(each.weights.sum()) - len(each.records) for each in blocks))
            imputed = _impute(requests, arrivals, left_out, blocks) if arrivals and left_out > 0 else 0
            told.imputed += imputed
            told.unkept += max(0, left_out - imputed)
            yield requests
        progress(path.stat().st_size if path.exists() else 0)


def flight_files(source: Path, since_ns: int) -> list[Path]:
    """Those that may hold anything since then. Raises ValueError where there are none at all."""
    files = segments.paths(source, FLIGHT) if source.is_dir() else [source]
    if not files:
        raise ValueError(f"{source} holds no recording; give a folder with *{FLIGHT} files, or one of them")
    later = next((index for index, path in enumerate(files) if path.stem.isdecimal() and int(path.stem) > since_ns),
                 len(files))
    return files[max(0, later - 1):]


def _together(path: Path, told: Told, since_ns: int) -> Iterator[list[Block]]:
    waiting: list[Block] = []
    for block in segments.blocks(path):
        if block is None:
            told.torn += 1
            continue
        is_full = sum(len(each.records) for each in waiting) >= TOGETHER
        if is_full and block.last_ns > max(each.last_ns for each in waiting) + ANOTHER_FLUSH_NS:
            yield waiting
            waiting = []
        if block.last_ns >= since_ns:
            waiting.append(block)
    if waiting:
        yield waiting


def _impute(requests: Requests, arrivals: "_Arrivals", left_out: int, blocks: list[Block]) -> int:
    """Add the arrivals that no record was kept of, so many as were left out; how many were found."""
    times, keys = (np.frombuffer(each, "<u8") for each in requests.times_and_keys())
    if not len(times):
        return 0
    seen = arrivals.between(min(each.first_ns for each in blocks), max(each.last_ns for each in blocks))
    seen = seen[np.lexsort((seen["at_ns"], seen["client_key"]))]
    order = np.lexsort((times, keys))
    marks = _requests.unkept(seen["at_ns"].tobytes(), seen["client_key"].tobytes(), times[order].tobytes(),
                             keys[order].tobytes(), SAME_NS)
    unkept = np.sort(seen[np.frombuffer(marks, np.bool_)], order="at_ns")
    if len(unkept) > left_out:
        unkept = unkept[np.linspace(0, len(unkept) - 1, left_out).astype(np.int64)]
    requests.add_arrivals(unkept["at_ns"].tobytes(), unkept["client_key"].tobytes(),
                          _alike(times, keys, unkept).tobytes())
    return len(unkept)


def _alike(times: Words, keys: Words, unkept: Arrivals) -> npt.NDArray[np.int64]:
    """For each, the row of the same client that is next to it in time, else that of anybody."""
    at = unkept["at_ns"]
    found = np.clip(np.searchsorted(times, at), 0, len(times) - 1)
    order = np.lexsort((times, keys))
    firsts = np.searchsorted(keys[order], unkept["client_key"], "left")
    lasts = np.searchsorted(keys[order], unkept["client_key"], "right")
    for index in np.flatnonzero(lasts > firsts):
        own = order[firsts[index]:lasts[index]]
        found[index] = own[min(int(np.searchsorted(times[own], at[index])), len(own) - 1)]
    return found.astype(np.int64)


class _Arrivals:
    """The arrivals of a folder, read as they are asked for, in the order of time. Mutable state: what is at hand."""

    def __init__(self, folder: Path, since_ns: int) -> None:
        files = segments.paths(folder, ARRIVALS)
        later = next((index for index, path in enumerate(files) if int(path.stem) > since_ns), len(files))
        self._coming = self._read(files[max(0, later - 1):])
        self._at_hand: list[tuple[int, int, Arrivals]] = []
        self._next: tuple[int, int, Arrivals] | None = next(self._coming, None)

    def _read(self, files: list[Path]) -> Iterator[tuple[int, int, Arrivals]]:
        for path in files:
            for header, payload, count, first_ns, last_ns in segments.raw_blocks(path):
                if header is not None:
                    yield first_ns, last_ns, np.frombuffer(payload, ARRIVAL, count)

    def between(self, first_ns: int, last_ns: int) -> Arrivals:
        """Both included. What lies before `first_ns` is not asked for again."""
        while self._next is not None and self._next[0] <= last_ns:
            self._at_hand.append(self._next)
            self._next = next(self._coming, None)
        self._at_hand = [each for each in self._at_hand if each[1] >= first_ns]
        found = np.concatenate([np.empty(0, ARRIVAL), *(each for _, _, each in self._at_hand)])
        return found[(found["at_ns"] >= first_ns) & (found["at_ns"] <= last_ns)]
