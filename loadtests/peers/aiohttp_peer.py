"""The aiohttp proxy beside this file, as a peer: what the plain way to write a proxy in Python costs."""

import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.accounting import ProcessEntry
from loadtests.peers.peer import Peer, Post

_PROXY = Path(__file__).with_name("aiohttp_proxy.py")


class Aiohttp(Peer):
    name = "aiohttp"

    def version(self) -> str:
        return importlib.metadata.version("aiohttp")

    def command(self, post: Post) -> list[str]:
        tls = [str(post.certificate.both)] if post.certificate else []
        log = [f"--access-log={post.folder}/access.log"] if post.access_log else []
        return [sys.executable, str(_PROXY), "--port", str(post.port), "--workers", str(post.workers),
                *(f"--upstream=http://127.0.0.1:{port}" for port in post.upstreams), *(f"--tls={path}" for path in tls),
                *log]

    def traffic(self, members: Sequence[ProcessEntry]) -> list[ProcessEntry]:
        return list(members)
