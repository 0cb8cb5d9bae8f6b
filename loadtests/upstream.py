"""The server behind every proxy: one nginx on the load's core, answering from memory.

1 KiB is nginx's `return 200`. 64 KiB and 1 MiB are files on tmpfs sent by sendfile from nginx's open-file cache:
no disk is read and no byte copied into nginx, so the load's core is kept for wrk.
It listens on two ports, two endpoints for the proxies: nginx's passive health (`max_fails`) does nothing with one.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests import processes, readiness, scenarios
from loadtests.peers.nginx import find_nginx, run_as
from loadtests.site import Site

ENDPOINTS = 2
_CONFIG = """\
daemon off;
{user}
worker_processes {workers};
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=16 inactive=1h;
    open_file_cache_valid 1h;
    server {{
{listens}
        location = /v1/orders {{ default_type application/json; return 200 "{body}"; }}
        location /v1/exports/ {{ default_type application/octet-stream; alias {payloads}/; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Upstream:
    ports: tuple[int, ...]
    program: processes.Program


@contextlib.contextmanager
def running(site: Site, *, cores: frozenset[int], workers: int = 1, endpoints: int = ENDPOINTS) -> Iterator[Upstream]:
    folder = site.subfolder("upstream")
    ports = tuple(site.port() for _ in range(endpoints))
    with _payloads() as payloads:
        (folder / "nginx.conf").write_text(config(folder, payloads, ports, workers))
        arguments = [find_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with processes.running(processes.Program("upstream", arguments, cores=cores, folder=folder)) as program:
            program.wait_until(lambda: readiness.answers(ports[0], scenarios.SCENARIOS["small"]))
            yield Upstream(ports, program)


def config(folder: Path, payloads: Path, ports: tuple[int, ...], workers: int) -> str:
    listens = "\n".join(f"        listen 127.0.0.1:{port} backlog=4096;" for port in ports)
    return _CONFIG.format(folder=folder, payloads=payloads, workers=workers, listens=listens,
                          user=run_as(), body=json_body(scenarios.KIB))


def json_body(size: int) -> str:
    """Something like an API's answer, of exactly `size` bytes, without the characters that nginx would expand."""
    text = "[" + ",".join(f"{{'order':{number},'state':'shipped'}}" for number in range(1000, 1000 + size // 20))
    return text[:size - 1] + "]"


@contextlib.contextmanager
def _payloads() -> Iterator[Path]:
    """The bodies as files in memory; incompressible, as downloads are."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="gateway-loadtest-", dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        folder.chmod(0o755)
        for scenario in scenarios.SCENARIOS.values():
            if scenario.body > scenarios.KIB:
                (folder / Path(scenario.target).name).write_bytes(os.urandom(scenario.body))
        yield folder
