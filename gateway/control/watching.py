"""Has the config on the disk changed? Looked at, not told: a look sees a rename, a swapped link (Kubernetes' `..data`)
and a network disk alike, and costs a few stat calls.

A change counts once two looks in a row have found the same, so that a file is not read while it is being written.
"""

from pathlib import Path

from gateway.config import files

Fingerprint = tuple[tuple[str, int, int, int], ...]


def fingerprint(path: Path) -> Fingerprint:
    """What identifies the contents without reading them: each file's real path, inode, size and time of change."""
    try:
        found = sorted(files.inside(path)) if path.is_dir() else [path]
        return tuple(_of(file) for file in found)
    except OSError:
        return ()


def _of(file: Path) -> tuple[str, int, int, int]:
    real = file.resolve()
    facts = real.stat()
    return str(real), facts.st_ino, facts.st_size, facts.st_mtime_ns


class Watch:
    """`settled()` at each look: True once for each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._acted_on: Fingerprint | None = None       # so that the first look counts as a change
        self._last: Fingerprint | None = None

    def settled(self) -> bool:
        now, last = fingerprint(self._path), self._last
        self._last = now
        if now != last or now == self._acted_on:
            return False
        self._acted_on = now
        return True

    def __repr__(self) -> str:
        return f"<Watch {self._path}>"
