"""The state folder: who may use it.

One running gateway per folder, held by `flock`: the kernel gives the lock back however the holder ends, so there is no
stale lock to remove. What is in the folder: record.active and record.store.
"""

import fcntl
import os
from pathlib import Path


class InUseError(RuntimeError):
    """Another instance holds the folder; the message says which and what to do."""


class StateFolder:
    """Raises OSError if the folder cannot be made or written."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path.resolve()
        self.active = self.path / "active"
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def lock(self) -> None:
        """Raises InUseError."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise InUseError(
                f"another gateway (process {holder}) is running with the state folder {self.path}; "
                "stop it, or give this one a folder of its own with --state-dir"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def __repr__(self) -> str:
        return f"<StateFolder {self.path}>"
