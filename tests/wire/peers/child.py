"""A real server as a process of its own: started, awaited until its port answers, ended by its own process id."""
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from wire.peers import addresses

T = TypeVar("T")


def program(name: str) -> str:
    """The path of an installed program; skips the test where it is absent."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed on this machine")
    return found


def until(condition: Callable[[], T], *, within: float = 5.0, what: str = "the condition") -> T:
    """Poll until `condition` holds and give its value; AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come to hold within {within} s")
        time.sleep(0.01)
    return value


def answers(address: str) -> bool:
    """Whether somebody accepts connections there."""
    try:
        addresses.connect(address, timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running(command: Sequence[str], *, address: str, log: Path, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block ends, from when it accepts on `address`; what it prints goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
        try:
            until(lambda: _up(process, address, log), within=15, what=f"{command[0]} listening on {address}")
            yield process
        finally:
            _end(process)


def _up(process: subprocess.Popen[bytes], address: str, log: Path) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"{process.args!r} ended with {process.returncode}:\n{log.read_text(errors='replace')}")
    return answers(address)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
