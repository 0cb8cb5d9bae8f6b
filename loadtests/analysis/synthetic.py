"""Simulated HTTP incidents with a known cause, as `attribute` meets them: skewed, noisy, with scanners.

Ten columns; background errors of 0.05-0.5 % times a lognormal factor per route; five scanner clients that always fail
at 80 %. The cause fails at 10-90 %, on at least 300 requests and 50 failures (weak: about 20 failures).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.analyse.table import Cell, Table, narrow

Codes = NDArray[np.int64]

NAMES = ("client", "route", "endpoint", "version", "method", "region", "pod", "proto", "tier", "agent")
SIZES = (5000, 30, 12, 8, 5, 6, 24, 3, 4, 10)
SCANNERS = 5
CLIENT, ROUTE, ENDPOINT, POD = 0, 1, 2, 6


@dataclass(frozen=True, slots=True)
class Incident:
    """`truth`: the causes; empty where the answer is global or nothing; `verdict`: what `reach` must say.

    `longer`: how many times as long as the incident the history lasted.
    """

    table: Table
    truth: tuple[Cell, ...]
    verdict: str
    surge: Cell | None = None
    longer: float = 1.0


class World:
    """One service: who calls what how often, and how often that fails on a good day."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        draw = self.draw
        self.clients = _zipf(SIZES[CLIENT], 1.1)
        self.routes = draw.dirichlet(np.ones(SIZES[ROUTE]))
        self.base = draw.uniform(0.0005, 0.005) * draw.lognormal(0, 0.5, SIZES[ROUTE])
        self.tier = draw.integers(0, SIZES[8], SIZES[CLIENT])
        self.agent = draw.integers(0, SIZES[9], SIZES[CLIENT])
        self.region = draw.dirichlet(np.ones(SIZES[5]) * 2)
        self.version = draw.dirichlet(np.ones(SIZES[3]))
        self.scanners = draw.choice(np.arange(20, SIZES[CLIENT]), SCANNERS, replace=False)

    def requests(self, count: int) -> list[Codes]:
        draw = self.draw
        client = draw.choice(SIZES[CLIENT], count, p=self.clients)
        scanning = draw.random(count) < 0.001
        client[scanning] = draw.choice(self.scanners, int(scanning.sum()))
        endpoint = draw.integers(0, SIZES[ENDPOINT], count)
        return [
            client, draw.choice(SIZES[ROUTE], count, p=self.routes), endpoint,
            draw.choice(SIZES[3], count, p=self.version), draw.choice(5, count, p=(0.7, 0.2, 0.05, 0.03, 0.02)),
            draw.choice(SIZES[5], count, p=self.region), endpoint * 2 + draw.integers(0, 2, count),
            draw.choice(3, count, p=(0.6, 0.3, 0.1)), self.tier[client], self.agent[client],
        ]

    def failures(self, columns: list[Codes]) -> NDArray[np.bool_]:
        scanner = np.isin(columns[CLIENT], self.scanners)
        return self.draw.random(len(columns[0])) < np.where(scanner, 0.8, self.base[columns[ROUTE]])


def _zipf(size: int, exponent: float) -> NDArray[np.float64]:
    weight = 1.0 / np.arange(1, size + 1) ** exponent
    return weight / weight.sum()


def _table(now: list[Codes], bad_now: NDArray[np.bool_], before: list[Codes], bad_before: NDArray[np.bool_]) -> Table:
    columns = tuple(narrow(np.concatenate((one, other)), size)
                    for one, other, size in zip(now, before, SIZES, strict=True))
    values = tuple(tuple(f"{name}-{code}" for code in range(size)) for name, size in zip(NAMES, SIZES, strict=True))
    bad = np.concatenate((bad_now, bad_before)).astype(float)
    return Table(NAMES, values, columns, np.ones(len(bad)), bad, len(bad_now))


def _inside(columns: list[Codes], cell: Cell) -> NDArray[np.bool_]:
    return np.logical_and.reduce([columns[column] == code for column, code in cell])


def _some_cell(world: World, now: list[Codes], order: int, least: int, most: int) -> Cell:
    """A random conjunction that holds so many requests; not two columns that say the same of each other."""
    while True:
        names = world.draw.choice(len(NAMES), order, replace=False)
        if {ENDPOINT, POD} <= set(names) or (CLIENT in names and {8, 9} & set(names)):
            continue
        row = world.draw.integers(0, len(now[0]))
        cell: Cell = tuple(sorted((int(name), int(now[name][row])) for name in names))
        held = int(_inside(now, cell).sum())
        if least <= held <= most:
            return cell


def _break(world: World, now: list[Codes], bad: NDArray[np.bool_], cell: Cell, failures: int) -> None:
    """Requests in the cell fail at 10-90 %, so often that there are at least `failures` of them."""
    inside = _inside(now, cell)
    share = max(world.draw.uniform(0.1, 0.9), min(0.95, failures / inside.sum()))
    bad |= inside & (world.draw.random(len(bad)) < share)


def located(order: int, causes: int = 1) -> Callable[[int, int, int], Incident]:
    def make(seed: int, count: int, history: int) -> Incident:
        world = World(seed)
        now, before = world.requests(count), world.requests(history)
        bad = world.failures(now)
        truth: list[Cell] = []
        while len(truth) < causes:
            cell = _some_cell(world, now, order, 300, count // 3)
            if all(not (_inside(now, cell) & _inside(now, other)).any() for other in truth):
                truth.append(cell)
                _break(world, now, bad, cell, 50)
        return Incident(_table(now, bad, before, world.failures(before)), tuple(truth), "cause",
                        longer=history / count)
    return make


def weak(seed: int, count: int, history: int) -> Incident:
    """About twenty failures more, in a cell where that is 10-90 %."""
    world = World(seed)
    now, before = world.requests(count), world.requests(history)
    bad = world.failures(now)
    cell = _some_cell(world, now, int(world.draw.integers(1, 3)), 22, 200)
    at = np.flatnonzero(_inside(now, cell))
    bad[world.draw.choice(at, min(20, len(at)), replace=False)] = True
    return Incident(_table(now, bad, before, world.failures(before)), (cell,), "cause", longer=history / count)


def surge(failing: str) -> Callable[[int, int, int], Incident]:
    """A client's requests make a fifth of all: `its` fail, or those of `all`, or it is a `scanner`."""
    def make(seed: int, count: int, history: int) -> Incident:
        world = World(seed)
        client = int(world.scanners[0]) if failing == "scanner" else int(world.draw.integers(20, 500))
        before = world.requests(history)
        extra = count // 5
        now = world.requests(count)
        now[CLIENT][:extra] = client
        now[8][:extra], now[9][:extra] = world.tier[client], world.agent[client]
        bad = world.failures(now)
        if failing == "its":
            bad |= (now[CLIENT] == client) & (world.draw.random(count) < 0.5)
        if failing == "all":
            bad |= world.draw.random(count) < 0.2
        cell: Cell = ((CLIENT, client),)
        made = _table(now, bad, before, world.failures(before))
        longer = history / (count - extra)
        if failing == "all":
            return Incident(made, (), "global", cell, longer)
        return Incident(made, (cell,), "cause", None, longer)
    return make


def everywhere(uneven: bool) -> Callable[[int, int, int], Incident]:
    def make(seed: int, count: int, history: int) -> Incident:
        world = World(seed)
        now, before = world.requests(count), world.requests(history)
        factor = world.draw.uniform(0.5, 1.5, SIZES[ENDPOINT])[now[ENDPOINT]] if uneven else 1.0
        bad = world.failures(now) | (world.draw.random(count) < 0.2 * factor)
        return Incident(_table(now, bad, before, world.failures(before)), (), "global", longer=history / count)
    return make


def nothing(seed: int, count: int, history: int) -> Incident:
    world = World(seed)
    now, before = world.requests(count), world.requests(history)
    made = _table(now, world.failures(now), before, world.failures(before))
    return Incident(made, (), "none", longer=history / count)


KINDS: dict[str, Callable[[int, int, int], Incident]] = {
    "one value": located(1),
    "pair": located(2),
    "triple": located(3),
    "two at once": located(2, causes=2),
    "weak": weak,
    "surge of a client that fails": surge("its"),
    "surge of a scanner": surge("scanner"),
    "surge of a client, all fail": surge("all"),
    "global": everywhere(uneven=False),
    "global, uneven by endpoint": everywhere(uneven=True),
    "nothing": nothing,
}
