"""HAProxy: a stick table counts each client's requests, `observe layer7` marks failing endpoints.

Weighed: one thread per worker; `http-reuse always`; an access log goes to a file by way of standard output. Buffers
stay at their default of 16 KiB.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence

from loadtests.accounting import ProcessEntry
from loadtests.errors import MissingProgramError
from loadtests.peers.peer import Peer, Post

_CONFIG = """\
global
    maxconn 9000
    nbthread {workers}
    hard-stop-after 1s
    ssl-default-bind-options ssl-min-ver TLSv1.2
{log_to}defaults
    mode http
    timeout http-request 10s
    timeout http-keep-alive 1h
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    http-reuse always
{logged}frontend front
    bind 127.0.0.1:{port} backlog 4096{tls}
    stick-table type ip size 100k expire 30s store http_req_rate(10s)
    http-request track-sc0 src
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 100000000 }}
    option forwardfor
    http-request set-header X-Forwarded-Proto {scheme}
    default_backend orders
backend orders
    balance roundrobin
{servers}
"""
_HEALTH = "check inter 5s observe layer7 error-limit 50 on-error mark-down"


class HAProxy(Peer):
    name = "haproxy"

    def version(self) -> str:
        shown = subprocess.run([_find_haproxy(), "-v"], capture_output=True, text=True, check=True)
        return shown.stdout.split()[2]

    def command(self, post: Post) -> list[str]:
        (post.folder / "haproxy.cfg").write_text(self.config(post))
        return [_find_haproxy(), "-W", "-db", "-f", str(post.folder / "haproxy.cfg")]

    def config(self, post: Post) -> str:
        servers = "\n".join(f"    server endpoint{port} 127.0.0.1:{port} {_HEALTH}" for port in post.upstreams)
        tls = f" ssl crt {post.certificate.both} alpn http/1.1" if post.certificate else ""
        return _CONFIG.format(port=post.port, workers=post.workers, servers=servers, tls=tls,
                              scheme="https" if post.certificate else "http",
                              log_to="    log stdout format raw local0 info\n" if post.access_log else "",
                              logged="    log global\n    option httplog\n" if post.access_log else "")

    def traffic(self, members: Sequence[ProcessEntry]) -> list[ProcessEntry]:
        leader = members[0].pid
        return [member for member in members if member.parent == leader]


def _find_haproxy() -> str:
    found = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingProgramError("haproxy is not installed: apt-get install haproxy")
    return found
