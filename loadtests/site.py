"""Where a run takes place: its cores, ports, temporary folder and certificate.

The proxies get one core and the load (wrk and the upstream) another, so that a proxy's CPU time is its own.
With more than one worker the proxies get as many cores, and the load the ones that are left; on a machine with
two cores none is left, and both share them: then requests/s say little, CPU per request still holds.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests.errors import LoadTestError, MissingProgramError

# Below the kernel's range for outgoing connections (from 32768), so that none of those takes a port meanwhile.
FIRST_PORT = 24_000
LAST_PORT = 24_199


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of a PEM certificate, its key, and both in one file (which HAProxy wants)."""

    certificate: Path
    key: Path
    both: Path


@dataclass(frozen=True, slots=True)
class Cores:
    proxy: frozenset[int]
    load: frozenset[int]

    @property
    def shared(self) -> bool:
        return bool(self.proxy & self.load)


def divide_cores(available: set[int], workers: int) -> Cores:
    """The first `workers` cores to the proxies, the next as many to the load; all shared when none is left for it."""
    cores = sorted(available)
    if len(cores) < 2:
        raise LoadTestError("the load test needs two cores: one for the proxy, one for the load")
    proxy = frozenset(cores[:workers])
    return Cores(proxy, frozenset(cores[workers:2 * workers]) or proxy)


class Site:
    """One run's folder and its supply of ports."""

    def __init__(self, folder: Path, first_port: int = FIRST_PORT, last_port: int = LAST_PORT) -> None:
        self.folder = folder
        self._last_port = last_port
        self._ports = iter(range(first_port, last_port + 1))
        self._certificate: Certificate | None = None

    def port(self) -> int:
        """A port on which nothing listens. Raises LoadTestError when all are taken."""
        for port in self._ports:
            if _is_free(port):
                return port
        raise LoadTestError(f"no free port up to {self._last_port}: end what listens there, or give another "
                            "--first-port")

    def subfolder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=name.replace("/", "_") + "-", dir=self.folder))

    def certificate(self) -> Certificate:
        """Self-signed ECDSA P-256, made once per run: what most sites present today."""
        if self._certificate is None:
            self._certificate = make_certificate(self.folder)
        return self._certificate


@contextlib.contextmanager
def temporary_site(first_port: int = FIRST_PORT) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="gateway-loadtest-") as folder:
        yield Site(Path(folder), first_port)


def make_certificate(folder: Path) -> Certificate:
    certificate, key, both = (folder / name for name in ("certificate.pem", "key.pem", "both.pem"))
    if shutil.which("openssl") is None:
        raise MissingProgramError("openssl is not installed: apt-get install openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    both.touch(mode=0o600)
    both.write_text(certificate.read_text() + key.read_text())
    return Certificate(certificate, key, both)


def available_cores() -> set[int]:
    return os.sched_getaffinity(0)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
