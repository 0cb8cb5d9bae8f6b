"""The labelled series: real ones of Microsoft's and Numenta's collections, as the shared folder has them.

More files of the same kinds may lie beside these; each is read the same way. Which are counts is said by their names.
"""

import csv
import datetime
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.detect.columns import Numbers
from loadtests.errors import LoadTestError

GAUGES_OF_MICROSOFT = ("outbound", "latency", "middle-tier")
COUNTS_OF_NAB = ("tweets", "volume", "request_count", "taxi")
GROUPS = ("Microsoft counts", "Microsoft gauges", "NAB")


@dataclass(frozen=True)
class Series:
    """`at`: UTC seconds of each sample; `spacing`: seconds, the usual one; `segments`: labelled spans, both ends in."""

    name: str
    group: str
    counts: bool
    at: Numbers
    value: Numbers
    segments: tuple[tuple[int, int], ...]

    @property
    def spacing(self) -> float:
        return float(np.median(np.diff(self.at)))

    @property
    def labelled(self) -> NDArray[np.bool_]:
        inside = np.zeros(len(self.at), dtype=bool)
        for start, end in self.segments:
            inside[start:end + 1] = True
        return inside


def read(folder: Path) -> list[Series]:
    """Raises LoadTestError where there are none."""
    found = [_microsoft(path) for path in sorted((folder / "microsoft").glob("*.csv"))]
    windows_file = folder / "nab" / "windows.json"
    if windows_file.exists():
        windows = json.loads(windows_file.read_text())
        found += [_nab(path, windows) for path in sorted((folder / "nab").glob("*/*.csv"))]
    if not found:
        raise LoadTestError(f"no labelled series in {folder}; name their folder with --data")
    return found


def _microsoft(path: Path) -> Series:
    rows = _rows(path)
    label = np.array([float(row["label"] or 0) > 0 for row in rows])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], label.astype(int), [0]])))
    segments = tuple(zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True))
    gauge = any(word in path.stem.lower() for word in GAUGES_OF_MICROSOFT)
    return Series(path.stem, GROUPS[1] if gauge else GROUPS[0], not gauge, *_samples(rows), segments)


def _nab(path: Path, windows: dict[str, list[list[str]]]) -> Series:
    name = f"{path.parent.name}/{path.name}"
    at, value = _samples(_rows(path))
    spans = [(_seconds(start), _seconds(end)) for start, end in windows.get(name, [])]
    segments = tuple((int(np.searchsorted(at, start)), int(np.searchsorted(at, end, "right")) - 1)
                     for start, end in spans)
    return Series(name, GROUPS[2], any(word in name.lower() for word in COUNTS_OF_NAB), at, value, segments)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{key.lower(): value for key, value in row.items()} for row in csv.DictReader(file)]


def _samples(rows: list[dict[str, str]]) -> tuple[Numbers, Numbers]:
    return (np.array([_seconds(row["timestamp"]) for row in rows]),
            np.array([float(row["value"] or 0) for row in rows]))


def _seconds(text: str) -> float:
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
