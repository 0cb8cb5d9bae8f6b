"""Node's http server as an upstream, in a process of its own."""
import contextlib
from collections.abc import Iterator
from pathlib import Path

from wire.peers import addresses, child


@contextlib.contextmanager
def running(work: Path, *, keep_alive_ms: int = 5000) -> Iterator[str]:
    """Start node_server.js, its log in `work`: the address. 5 s of keep-alive is Node's own default."""
    address = addresses.free_address()
    script = str(Path(__file__).parent / "node_server.js")
    command = [child.program("node"), script, address.rpartition(":")[2], str(keep_alive_ms)]
    with child.running(command, address=address, log=work / "node.log"):
        yield address
