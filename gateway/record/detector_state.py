"""What the detectors have learned, as one file: replaced as a whole, or not at all.

Losing it costs no more than learning anew from the stored windows, so a state that cannot be read is no fault.
"""

import os
import threading
from pathlib import Path

NAME = "detectors.state"


class DetectorState:
    """Bytes in, bytes out; what they mean is the detectors'."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> bytes:
        """Empty where there is none. Raises OSError."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def write(self, state: bytes) -> None:
        """Raises OSError."""
        fresh = self.path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
        try:
            with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self.path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise

    def __repr__(self) -> str:
        return f"<DetectorState {self.path}>"
