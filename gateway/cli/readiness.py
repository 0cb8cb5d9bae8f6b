"""Waiting until a process that was just started answers."""

import contextlib
import http.client
import subprocess
import time


def becomes_ready(address: str, path: str, process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Until a GET of it is answered with 200; False if the process ends, or not within `seconds`."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _status(address, path) == 200:
                return True
        time.sleep(0.02)
    return False


def _status(address: str, path: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
