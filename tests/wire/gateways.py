"""Gateways for the tests: a config as plain values, and a gateway process that runs it."""
import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from wire import gateway_process
from wire.peers import addresses

Config = dict[str, Any]


@dataclass(frozen=True)
class Running:
    """`address` of the first listener, `worker`: process id of worker 0."""

    address: str
    worker: int
    process: gateway_process.Gateway


def before(*endpoints: str, listener: Config | None = None, upstream: Config | None = None, **others: Any) -> Config:
    """A config with one listener that sends everything to the endpoints; keywords replace or add keys of each part."""
    return {
        "version": 1,
        "listeners": [{"address": addresses.free_address(), **(listener or {})}],
        "workers": 1,
        "drain": {"timeout": "1s"},
        "upstreams": {"api": {"endpoints": list(endpoints), **(upstream or {})}},
        "routes": [{"name": "all", "match": {"path": "/**"}, "upstream": "api"}],
        **others,
    }


@contextlib.contextmanager
def running(config: Config) -> Iterator[Running]:
    """A gateway process with this config and a state folder of its own, until the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="gateway-") as folder,
        gateway_process.gateway(yaml.safe_dump(config, sort_keys=False), Path(folder)) as process,
    ):
        yield Running(config["listeners"][0]["address"], process.pid_of("worker 0"), process)


def private_memory(worker: int) -> int:
    """RssAnon of a worker in bytes."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) * 1024


def open_sockets(worker: int) -> int:
    """Descriptors of a worker that are sockets."""
    folder, found = f"/proc/{worker}/fd", 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            found += os.readlink(f"{folder}/{name}").startswith("socket:")
    return found
