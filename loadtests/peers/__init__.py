"""The proxies that are compared, each with its per-client rate limit and its passive health checks on.

A peer is configured as one who knows it well would for this work; what was weighed is said in its file.
"""

from loadtests.peers.aiohttp_peer import Aiohttp
from loadtests.peers.envoy import Envoy
from loadtests.peers.gateway import Gateway
from loadtests.peers.haproxy import HAProxy
from loadtests.peers.nginx import Nginx
from loadtests.peers.peer import Peer, Post

PEERS: dict[str, type[Peer]] = {peer.name: peer for peer in (Gateway, Nginx, HAProxy, Envoy, Aiohttp)}

__all__ = ["PEERS", "Aiohttp", "Envoy", "Gateway", "HAProxy", "Nginx", "Peer", "Post"]
