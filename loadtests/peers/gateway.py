"""Our gateway, from this checkout or, to compare two versions in one run, from another one."""

import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.accounting import ProcessEntry
from loadtests.errors import MissingProgramError
from loadtests.peers.peer import Peer, Post
from loadtests.processes import CHECKOUT

# The route is critical: clients that keep a core busy make a worker late, and it would rightly shed other ones.
_CONFIG = """\
version: 1
listeners:
  - address: 127.0.0.1:{port}
{tls}    timeouts: {{keep_alive: 1h}}
admin: {{address: 127.0.0.1:{spare_port}}}
workers: {workers}
state: {{dir: {folder}/state}}
{log}
upstreams:
  orders:
    endpoints: [{endpoints}]
{of_upstream}
routes:
  - name: orders
    match: {{path: /**}}
    upstream: orders
    priority: critical
{of_route}"""

# Every safeguard that a route can meet, at bounds that this load does not reach: what they cost is what is measured.
_OF_UPSTREAM = """\
    eject: {for: 30s}
    breaker: {window: 10s}
    concurrency: {limit: 10000}
    retry: {attempts: 2}
"""
_OF_ROUTE = """\
    fallback:
      - stale: {for: 5m}
      - respond: {status: 503, body: "Try again."}
    limits:
      - {name: per-client, key: client, rate: 1000000/s, burst: 1000000}
      - {name: whole-route, key: route, rate: 1000000/s, burst: 1000000}
    concurrency: {limit: 10000}
"""


class Gateway(Peer):
    name = "gateway"

    def __init__(self, checkout: Path | None = None, *, bare: bool = False) -> None:
        """`bare`: without any safeguard, to see what they cost together."""
        self._checkout = checkout.resolve() if checkout else CHECKOUT
        self._other = checkout is not None
        self._bare = bare

    @property
    def label(self) -> str:
        if self._bare:
            return f"{self.name}-bare"
        return f"gateway@{self._checkout.name}" if self._other else self.name

    def version(self) -> str:
        if not (self._checkout / "gateway" / "__main__.py").exists():
            raise MissingProgramError(f"no gateway in {self._checkout}: give a checkout, built in place")
        return str(self._checkout) if self._other else "this checkout"

    def command(self, post: Post) -> list[str]:
        path = post.folder / "gateway.yaml"
        path.write_text(self.config(post))
        return [sys.executable, "-m", "gateway", "run", str(path)]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self._checkout)}

    def config(self, post: Post) -> str:
        certificate = post.certificate
        tls = f"    tls: {{certificate: {certificate.certificate}, key: {certificate.key}}}\n" if certificate else ""
        return _CONFIG.format(
            port=post.port, spare_port=post.spare_port, workers=post.workers, folder=post.folder, tls=tls,
            log=f"log: {{access: {{path: {post.folder}/access.log}}}}\n" if post.access_log else "",
            endpoints=", ".join(f'"127.0.0.1:{port}"' for port in post.upstreams),
            of_upstream="" if self._bare else _OF_UPSTREAM, of_route="" if self._bare else _OF_ROUTE)

    def traffic(self, members: Sequence[ProcessEntry]) -> list[ProcessEntry]:
        return [member for member in members if member.title.startswith("gateway: worker")]

    def is_whole(self, members: Sequence[ProcessEntry], workers: int) -> bool:
        return len(self.traffic(members)) == workers
