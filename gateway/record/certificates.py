"""Until when the certificates of the listeners are valid: read from their files, whose changes workers take up."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.model import certificate
from gateway.routing.plan import Plan

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Served:
    """A certificate of a listener; `ends_ns`: UTC."""

    listener: str
    path: str
    ends_ns: int


class Certificates:
    """Mutable state: the end of each file as it was read last, and of which version of it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Stamp, int]] = {}

    def of(self, plan: Plan) -> Iterator[Served]:
        """Those that can be read; a file that is being replaced is left out, as workers keep the one before."""
        for listener in plan.listeners:
            for each in listener.certificates:
                if (ends_ns := self._ends(each.certificate)) is not None:
                    yield Served(listener.address, each.certificate, ends_ns)

    def _ends(self, path: str) -> int | None:
        try:
            found = os.stat(path)
            stamp = found.st_ino, found.st_mtime_ns, found.st_size
            known = self._known.get(path)
            if known is None or known[0] != stamp:
                with open(path, encoding="ascii", errors="replace") as file:
                    known = stamp, certificate.ends_ns(file.read())
                self._known[path] = known
        except (OSError, ValueError):
            self._known.pop(path, None)
            return None
        return known[1]
