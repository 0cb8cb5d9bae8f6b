"""Where the shared real traffic lives: beside the project, or where SAFEGUARD_SHARED points. Absent: the test skips."""
import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared"


def shared(path: str) -> Path:
    """The path of a shared data file or folder, e.g. `shared("http-requests")`; skips the test where it is absent."""
    root = BESIDE if BESIDE.is_dir() else Path(os.environ.get("SAFEGUARD_SHARED", BESIDE))
    found = root / "data" / path
    if not found.exists():
        pytest.skip(f"shared data {path!r} is not on this machine (looked in {root})")
    return found
