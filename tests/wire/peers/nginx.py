"""nginx as an upstream: files from a folder, and a few answers of its own making."""
import contextlib
import getpass
from collections.abc import Iterator
from pathlib import Path

from wire.peers import addresses, child

CONFIG = """
daemon off;
user {user};
worker_processes 1;
pid {work}/pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  client_max_body_size 1m;
  gzip on; gzip_proxied any; gzip_min_length 100; gzip_types text/plain;
  server {{
    listen {address};
    root {root};
    if_modified_since before;
    location = /teapot {{ return 418 "short and stout"; }}
    location = /moved {{ return 302 /elsewhere; }}
    location = /put {{ client_max_body_size 1k; return 200 "put"; }}
  }}
}}
"""


@contextlib.contextmanager
def files(root: Path, work: Path) -> Iterator[str]:
    """Serve the folder `root`: the address."""
    address = addresses.free_address()
    config = work / "nginx.conf"
    config.write_text(CONFIG.format(user=getpass.getuser(), work=work, root=root, address=address))
    command = [child.program("nginx"), "-p", str(work), "-c", str(config), "-e", "stderr"]
    with child.running(command, address=address, log=work / "nginx.log"):
        yield address
