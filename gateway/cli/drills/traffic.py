"""Traffic of a drill's own: so many requests per second, each client with an address of its own, answered or not.

In a thread of its own, so that whoever conducts the drill reads from top to bottom. Open loop: a gateway that is slow
is not asked less. Bounded: what would be more than MOST_WAITING unanswered requests of a flow is left out and counted.
"""

import asyncio
import contextlib
import dataclasses
import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Self

import aiohttp

MOST_WAITING = 200
MOST_RATE = 1000.0
"""Of one flow: a drill is no load test."""
PATIENCE_S = 10.0
NO_ANSWER = 0
LEFT_OUT = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Flow:
    """`rate`: GETs per second of `url`, from one client address; empty: whatever the kernel chooses."""

    url: str
    rate: float
    client: str = ""


class Traffic:
    """Mutable state: the flows under way, and what was answered in each second (monotonic) by flow and status."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="traffic", daemon=True)
        self._flows: dict[Flow, asyncio.Task[None]] = {}
        self._answers: Counter[tuple[Flow, int, int]] = Counter()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(*self._flows)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        if not self._thread.is_alive():
            self._loop.close()

    def start(self, *flows: Flow) -> None:
        for each in flows:
            if not 0 < each.rate <= MOST_RATE:
                raise ValueError(f"a drill's traffic is up to {MOST_RATE:g} requests/s, not {each.rate:g}")
            self._flows[each] = asyncio.run_coroutine_threadsafe(self._started(each), self._loop).result(PATIENCE_S)

    def stop(self, *flows: Flow) -> None:
        for each in flows:
            if (task := self._flows.pop(each, None)) is not None:
                asyncio.run_coroutine_threadsafe(_ended(task), self._loop).result(PATIENCE_S)

    @contextlib.contextmanager
    def flowing(self, *flows: Flow) -> Iterator[None]:
        self.start(*flows)
        try:
            yield
        finally:
            self.stop(*flows)

    def answers(self, since: float = 0.0, until: float = float("inf"), flow: Flow | None = None) -> Counter[int]:
        """How many of each status; times are monotonic seconds."""
        with self._lock:
            items = list(self._answers.items())
        found: Counter[int] = Counter()
        for (of, second, status), count in items:
            if since <= second < until and flow in (None, of):
                found[status] += count
        return found

    async def _started(self, flow: Flow) -> "asyncio.Task[None]":
        return asyncio.create_task(self._flow(flow))

    async def _flow(self, flow: Flow) -> None:
        waiting: set[asyncio.Task[None]] = set()
        connector = aiohttp.TCPConnector(limit=MOST_WAITING, local_addr=(flow.client, 0) if flow.client else None)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(PATIENCE_S)) as session:
            due = time.monotonic()
            while True:
                due = max(due + 1 / flow.rate, time.monotonic() - 1.0)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if len(waiting) >= MOST_WAITING:
                    self._note(flow, LEFT_OUT)
                    continue
                task = asyncio.create_task(self._ask(session, flow))
                waiting.add(task)
                task.add_done_callback(waiting.discard)

    async def _ask(self, session: aiohttp.ClientSession, flow: Flow) -> None:
        try:
            async with session.get(flow.url, allow_redirects=False) as answer:
                await answer.read()
                self._note(flow, answer.status)
        except (aiohttp.ClientError, OSError, TimeoutError):
            self._note(flow, NO_ANSWER)

    def _note(self, flow: Flow, status: int) -> None:
        with self._lock:
            self._answers[flow, int(time.monotonic()), status] += 1

    def __repr__(self) -> str:
        return f"<Traffic of {len(self._flows)} flows>"


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def crowd(base: str, paths: dict[str, float], clients: int, first: int = 2) -> list[Flow]:
    """`paths`: requests per second of each path, from all clients together. On the loopback each client has an address
    of its own, 127.0.0.`first` and on; elsewhere all have that of this machine."""
    own = _is_loopback(base)
    return [Flow(f"{base}{path}", rate / clients, f"127.0.0.{first + number}" if own else "")
            for path, rate in paths.items() for number in range(clients)]


def _is_loopback(base: str) -> bool:
    try:
        address = ipaddress.ip_address(base.partition("//")[2].rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return address.version == 4 and address.is_loopback


def failed(answers: Counter[int]) -> int:
    """Of what was asked: 5xx, and no answer."""
    return sum(count for status, count in answers.items() if status >= 500 or status == NO_ANSWER)


def asked(answers: Counter[int]) -> int:
    return sum(count for status, count in answers.items() if status != LEFT_OUT)
