"""Endpoint names to addresses, in the background: a request never waits for the resolver.

`resolve` answers from what was last known; one task per name asks again every `every` seconds, a tenth earlier or
later so that many names and workers do not ask together. A lookup that fails keeps the last good answer, and is logged
when it begins to fail and when it works again, not each time. A name that has never been resolved is asked for after 1,
2, 4 … seconds. An address that could not be connected to goes to the end of its name's list (`failed`), and a new
answer keeps that order for the addresses that it still has.
"""

import asyncio
import contextlib
import ipaddress
import logging
import random
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Name = tuple[str, int]
# (address, port): the address is a literal, so that connecting to it asks nobody.
Address = tuple[str, int]
Lookup = Callable[[str, int], Awaitable[Iterable[Address]]]

EVERY_S = 30.0
JITTER = 0.1
FIRST_RETRY_S = 1.0
# A pool rarely has more; an answer beyond it is cut, not refused.
MAX_ADDRESSES = 64
# Names come from the plan. The bound is for plans that keep changing theirs without `keep_only`.
MAX_NAMES = 4096


@dataclass(slots=True)
class _Known:
    """What is known of one name; changed by its own task, by `failed` and by nobody else."""

    addresses: tuple[Address, ...] = ()
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    failing: bool = False
    task: asyncio.Task[None] | None = None


class Names:
    """The names of a worker's endpoints. Create it on the loop that it runs on; `close` it before that ends."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        log: logging.Logger,
        every: float = EVERY_S,
        *,
        lookup: Lookup | None = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._loop = loop
        self._log = log
        self._every = every
        self._lookup = lookup or self._ask_system
        self._sleep = sleep
        self._known: dict[Name, _Known] = {}
        self._closed = False

    def __repr__(self) -> str:
        return f"Names({self.snapshot()})"

    def snapshot(self) -> dict[str, tuple[str, ...]]:
        """`host:port` -> the addresses last known, the one to use next first; literals are not listed."""
        return {f"{host}:{port}": tuple(a for a, _ in known.addresses) for (host, port), known in self._known.items()}

    def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """The addresses last known, the one to use next first; empty if there are none yet. The name is watched on."""
        literal = _literal(host)
        return ((literal, port),) if literal else self._watch((host, port)).addresses

    async def first(self, host: str, port: int, timeout: float) -> tuple[Address, ...]:
        """As `resolve`, but waits up to `timeout` seconds for the first lookup; empty if it failed or did not end."""
        addresses = self.resolve(host, port)
        if addresses:
            return addresses
        known = self._watch((host, port))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await known.asked.wait()
        return known.addresses

    def failed(self, host: str, port: int, address: Address) -> None:
        """A connect to `address` failed: the others of this name go first."""
        known = self._known.get((host, port))
        if known is not None and address in known.addresses:
            known.addresses = (*(other for other in known.addresses if other != address), address)

    def keep_only(self, names: Iterable[Name]) -> None:
        """Watch these names and no others: after a change of plan."""
        wanted = {name for name in names if not _literal(name[0])}
        for name in self._known.keys() - wanted:
            self._forget(name)
        for name in wanted:
            self._watch(name)

    def close(self) -> None:
        """End all lookups. What was known can still be read."""
        self._closed = True
        for known in self._known.values():
            if known.task is not None:
                known.task.cancel()

    def _watch(self, name: Name) -> _Known:
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= MAX_NAMES:
                self._forget(next(iter(self._known)))
            known = self._known[name] = _Known()
            if not self._closed:
                known.task = self._loop.create_task(self._keep_current(name, known))
        return known

    def _forget(self, name: Name) -> None:
        task = self._known.pop(name).task
        if task is not None:
            task.cancel()

    async def _keep_current(self, name: Name, known: _Known) -> None:
        retry = FIRST_RETRY_S
        while True:
            await self._ask(name, known)
            known.asked.set()
            pause = self._every if known.addresses else min(retry, self._every)
            retry *= 2
            await self._sleep(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreads load, no secret

    async def _ask(self, name: Name, known: _Known) -> None:
        try:
            answer = tuple(dict.fromkeys(await self._lookup(*name)))[:MAX_ADDRESSES]
            if not answer:
                raise OSError("the answer holds no address")
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that IDNA does not allow
            self._report_failure(name, known, error)
            return
        if known.failing:
            known.failing = False
            self._log.info("%s is resolved again", name[0])
        known.addresses = _in_order(answer, known.addresses)

    def _report_failure(self, name: Name, known: _Known, error: Exception) -> None:
        if not known.failing:
            known.failing = True
            kept = "its last addresses stay in use" if known.addresses else "the endpoint cannot be used until it is"
            self._log.warning("%s cannot be resolved (%s); %s", name[0], error, kept)

    async def _ask_system(self, host: str, port: int) -> list[Address]:
        answer = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(str(sockaddr[0]), port) for _, _, _, _, sockaddr in answer]


def _in_order(answer: tuple[Address, ...], before: tuple[Address, ...]) -> tuple[Address, ...]:
    """`answer` in the order of `before`, what is new of it last, so that a failed address does not come back first."""
    kept = tuple(address for address in before if address in answer)
    return kept + tuple(address for address in answer if address not in kept)


def _literal(host: str) -> str:
    """The address that `host` is already, without brackets; "" for a name."""
    text = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return text
