"""nginx: `limit_req` per client address, `max_fails` per endpoint, keep-alive to the upstream.

Weighed: answers up to 1 MiB stay in memory (16 x 64 KiB buffers per request, temp files off), so that no disk is
measured; an access log is buffered, 64 KiB or a second. With several workers, `reuseport` spreads the connections.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from loadtests.accounting import ProcessEntry
from loadtests.errors import MissingProgramError
from loadtests.peers.peer import Peer, Post

_CONFIG = """\
daemon off;
{user}
worker_processes {workers};
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 16384; }}
http {{
    access_log {access_log};
    tcp_nodelay on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_max_body_size 0;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    limit_req_zone $binary_remote_addr zone=per_client:10m rate=1000000r/s;
    upstream orders {{
{servers}
        keepalive 64;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096{listen};
{tls}
        location / {{
            limit_req zone=per_client burst=100000 nodelay;
            proxy_pass http://orders;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_request_buffering off;
            proxy_buffering on;
            proxy_buffer_size 16k;
            proxy_buffers 16 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""
_TLS = """\
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:10m;"""


class Nginx(Peer):
    name = "nginx"

    def version(self) -> str:
        shown = subprocess.run([find_nginx(), "-v"], capture_output=True, text=True, check=True)
        return re.sub(r".*nginx/", "", shown.stderr.strip())

    def command(self, post: Post) -> list[str]:
        (post.folder / "nginx.conf").write_text(self.config(post))
        return [find_nginx(), "-p", str(post.folder), "-c", str(post.folder / "nginx.conf")]

    def config(self, post: Post) -> str:
        servers = "\n".join(f"        server 127.0.0.1:{port} max_fails=5 fail_timeout=10s;" for port in post.upstreams)
        listen = (" reuseport" if post.workers > 1 else "") + (" ssl" if post.certificate else "")
        pair = post.certificate
        tls = _TLS.format(certificate=pair.certificate, key=pair.key) if pair else ""
        return _CONFIG.format(folder=post.folder, workers=post.workers, servers=servers, port=post.port, listen=listen,
                              tls=tls, user=run_as(), access_log=_access_log(post))

    def traffic(self, members: Sequence[ProcessEntry]) -> list[ProcessEntry]:
        return [member for member in members if "worker process" in member.title]


def _access_log(post: Post) -> str:
    return f"{post.folder}/access.log combined buffer=64k flush=1s" if post.access_log else "off"


def find_nginx() -> str:
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingProgramError("nginx is not installed: apt-get install nginx")
    return found


def run_as() -> str:
    """A root master would drop its workers to `nobody`, who cannot enter the run's private folder."""
    return "user root;" if os.geteuid() == 0 else ""
