"""One child process: started by exec, watched by its pidfd, never known by a number that could be reused."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from gateway.processes.backoff import Backoff
from gateway.processes.channel import Channel


@dataclass(slots=True)
class Life:
    """One process of a child, from its start until it is reaped."""

    process: "subprocess.Popen[bytes]"
    pidfd: int
    channel: Channel
    condemned: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Never meets another process: the pidfd is ours, and the process is not reaped before it is closed."""
        signal.pidfd_send_signal(self.pidfd, number)

    def reap(self) -> int:
        """Collect the ended process; returns its exit code, or minus the signal's number."""
        code = self.process.wait()
        os.close(self.pidfd)
        self.channel.close()
        return code


@dataclass(slots=True)
class Child:
    """A place that is to be filled by a living process. `slot` is its row on the board."""

    slot: int
    name: str
    module: str
    life: Life | None = None
    backoff: Backoff = field(default_factory=Backoff)
    since: int = 0
    due: int = 0
    last_served: int = 0
    lent_to: int | None = None
    starts: int = 0

    @property
    def is_worker(self) -> bool:
        return self.module == WORKER

    def __repr__(self) -> str:
        return f"<Child {self.name}: {f'process {self.life.pid}' if self.life else 'dead'}, {self.backoff}>"


WORKER = "gateway.processes.worker"
CONTROL = "gateway.processes.control"


def spawn(module: str, argument: str, descriptors: tuple[int, ...], channel: Channel) -> Life:
    """Start a Python process of ours with these descriptors open. Raises OSError.

    It gets our own module path: `-P` keeps the working directory, where anything may lie, out of it.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    process = subprocess.Popen(  # noqa: S603  our own interpreter and module
        [sys.executable, "-P", "-m", module, argument],
        pass_fds=descriptors,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    return Life(process, os.pidfd_open(process.pid), channel)


def reason(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"
