"""What everybody who watches is told: once a second how the traffic is, and whatever else has changed.

Events are levels, not differences: each says how something is now, so that the latest of each kind is all that a
listener needs who comes, or comes back. Of `traffic` the last five minutes are kept too, so that a chart begins full.
An event is put into words once, however many listen.

Bounded: LISTENERS_MOST listen, each has a queue of QUEUE_MOST; who is further behind is cut off, and comes back.
"""

import asyncio
import collections
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.control.refused import Refused

TRAFFIC = "traffic"
KEPT_SECONDS = 300
LISTENERS_MOST = 64
QUEUE_MOST = 64
AFTER_SECOND = 0.15                     # deliberation counts on the second; we tell what it counted
Source = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Event:
    number: int
    kind: str
    data: str


@dataclass(eq=False, slots=True)
class Listener:
    """`cut`: called when it is too far behind. The queue ends with None."""

    cut: Callable[[], None]
    queue: "asyncio.Queue[Event | None]" = field(default_factory=lambda: asyncio.Queue(QUEUE_MOST))


class Live:
    """Mutable state: the events that are kept, and who listens. `sources`: kind -> what it is now, as plain values."""

    def __init__(self, sources: Mapping[str, Source], log: logging.Logger) -> None:
        self._sources = sources
        self._log = log
        self._latest: dict[str, Event] = {}
        self._traffic: collections.deque[Event] = collections.deque(maxlen=KEPT_SECONDS)
        self._listeners: set[Listener] = set()
        self._number = 0
        self.name = f"{time.time_ns():x}"
        self.refused = self.cut_off = 0
        self.fault = ""

    async def watch(self) -> None:
        """For ever: a turn each second."""
        while True:
            await asyncio.sleep(1 + AFTER_SECOND - time.time() % 1)
            self.try_turn()

    def try_turn(self) -> None:
        """A turn whose fault is logged once, and tried again with the next one."""
        try:
            self.turn()
        except Exception as error:
            if repr(error) != self.fault:
                self._log.exception("what is live cannot be told; the next turn tries again")
            self.fault = repr(error)
        else:
            self.fault = ""

    def turn(self) -> None:
        """Tell what has changed, and the traffic in any case."""
        for kind, source in self._sources.items():
            data = json.dumps(source(), separators=(",", ":"))
            before = self._latest.get(kind)
            if kind == TRAFFIC or before is None or before.data != data:
                self._tell(kind, data)

    def _tell(self, kind: str, data: str) -> None:
        self._number += 1
        event = self._latest[kind] = Event(self._number, kind, data)
        if kind == TRAFFIC:
            self._traffic.append(event)
        for listener in list(self._listeners):
            try:
                listener.queue.put_nowait(event)
            except asyncio.QueueFull:
                self.cut_off += 1
                self._listeners.discard(listener)
                listener.cut()

    def listen(self, cut: Callable[[], None]) -> Listener:
        """Raises Refused where too many listen already."""
        if len(self._listeners) >= LISTENERS_MOST:
            self.refused += 1
            raise Refused(503, f"{LISTENERS_MOST} listen to the events already; close one, or ask /v1/status")
        listener = Listener(cut)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def since(self, last: str) -> Iterator[Event]:
        """What somebody has missed who saw the event of this id last; all that is kept where the id is not ours."""
        name, _, number = last.partition("-")
        seen = int(number) if name == self.name and number.isascii() and number.isdigit() else 0
        others = [event for kind, event in self._latest.items() if kind != TRAFFIC]
        yield from sorted((each for each in (*others, *self._traffic) if each.number > seen),
                          key=lambda each: each.number)

    def close(self) -> None:
        """Everybody is sent home."""
        for listener in self._listeners:
            while listener.queue.full():
                listener.queue.get_nowait()
            listener.queue.put_nowait(None)
        self._listeners.clear()

    def snapshot(self) -> dict[str, Any]:
        """For `/v1/status`."""
        return {"listeners": len(self._listeners), "refused": self.refused, "cut_off": self.cut_off,
                "fault": self.fault}

    def __repr__(self) -> str:
        return f"<Live {self._number} events, {len(self._listeners)} listeners>"
