"""Addresses as the config writes them: host:port, [v6]:port or unix:/path."""
import socket


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def free_address(host: str = "127.0.0.1") -> str:
    return f"[{host}]:{free_port(host)}" if ":" in host else f"{host}:{free_port(host)}"


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def connect(address: str, *, source: str = "", receive_buffer: int = 0, timeout: float = 10) -> socket.socket:
    """A connected stream socket; `receive_buffer` is set before the connect, so that it bounds the TCP window."""
    if address.startswith("unix:"):
        stream, target = socket.socket(socket.AF_UNIX), address.removeprefix("unix:")
    else:
        host, port = split(address)
        stream, target = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET), (host, port)
    stream.settimeout(timeout)
    if receive_buffer:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        if source:
            stream.bind((source, 0))
        stream.connect(target)
    except OSError:
        stream.close()
        raise
    return stream


def listen(address: str, *, backlog: int = 128, receive_buffer: int = 0) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    if address.startswith("unix:"):
        listening, target = socket.socket(socket.AF_UNIX), address.removeprefix("unix:")
    else:
        host, port = split(address)
        listening, target = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET), (host, port)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if receive_buffer:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    listening.bind(target)
    listening.listen(backlog)
    return listening


def bound(listening: socket.socket) -> str:
    """The address of a listening socket as the config writes it."""
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return f"unix:{name}"
    return f"[{name[0]}]:{name[1]}" if listening.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"
