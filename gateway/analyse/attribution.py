"""Which combination of recorded values holds the excess of failures: up to three causes, or none narrows it.

Greedy with second thoughts: the best cell; then, as long as the union gains clearly, the best cell outside of it, and
after each the earlier ones are looked for again outside of all others. `excess.py` says what a cell is worth.
Source: the design's own study (support and risk of DIFF, Abuzaid et al. 2018; ranking after ImpAPTr, Rong et al. 2020).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from gateway.analyse.excess import (
    NARROWNESS,
    SIGNIFICANT_NATS,
    Counts,
    Numbers,
    Whole,
    expected,
    least_failures,
    two_rates,
    whole,
    worth,
)
from gateway.analyse.scan import Found, Scan, best
from gateway.analyse.table import Cell, Table

MOST_CAUSES = 3
GAIN = 0.15
"""delta: a further cause must add so much to the worth of those before."""
CLEARLY = 1.02
"""By how much a place must beat the whole: parts that together are everything can win by a rounding."""
RUNNERS_UP = 8
SURGE_SHARE = 0.05
CLIENT, HALF, OUTGROWN = "client", 0.5, 2.0
"""A client that half of the growth comes from, and that grew at least twice as much as the rest: one that is always
half of the traffic grows with it."""
ROUNDS_WITHOUT_HISTORY = 3


class Reach(StrEnum):
    CAUSE = "cause"
    GLOBAL = "global"
    NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Part:
    """A place in words, the failures above the usual in it, and which share of all such failures that is."""

    conditions: dict[str, str]
    excess: float
    share: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """`surge`: where more requests than usual came from, which may have driven a global rise; None beside causes."""

    reach: Reach
    causes: tuple[Part, ...] = ()
    cover: float = 0.0
    runners_up: tuple[Part, ...] = ()
    surge: Part | None = None

    def __str__(self) -> str:
        if self.reach is Reach.NOTHING:
            more = f"; there is a surge of {_words(self.surge)}" if self.surge else ""
            return f"failures are not above the usual{more}"
        if self.reach is Reach.GLOBAL:
            where = f", driven by a surge of {_words(self.surge)}" if self.surge else ""
            return f"no recorded dimension narrows it{where}"
        return "; ".join(f"{each.share:.0%} of the new failures: {_words(each)}" for each in self.causes)


def _words(part: Part) -> str:
    return ", ".join(f"{name} {value}" for name, value in part.conditions.items())


def attribute(table: Table, seconds: float = 1.0, seconds_before: float = 1.0) -> Attribution:
    """The causes of the failures in `table`; the seconds are the lengths of its two halves."""
    of = _whole(table)
    if of.bad == 0:
        return Attribution(Reach.NOTHING, surge=surge(table, of, seconds, seconds_before))
    first = Scan(table, of).run()
    if not of.count_before:
        of, first = _without_history(table, of, first)
    union = _Union(table, of)
    _explain(union, first)
    rose = not of.count_before or _significant(of)
    if union.parts and union.worth > CLEARLY * NARROWNESS * (of.bad - of.count * of.usual):
        return Attribution(Reach.CAUSE, tuple(_part(table, each, of) for each in union.by_excess()),
                           union.excess / of.excess, _runners_up(table, first, union, of))
    runners_up = _runners_up(table, first, union, of)
    return Attribution(Reach.GLOBAL if rose else Reach.NOTHING, runners_up=runners_up,
                       surge=surge(table, of, seconds, seconds_before))


def _whole(table: Table) -> Whole:
    split = table.split
    return whole(float(table.bad[:split].sum()), float(table.count[:split].sum()),
                 float(table.bad[split:].sum()), float(table.count[split:].sum()))


def _significant(of: Whole) -> bool:
    rose = of.bad * of.count_before > of.bad_before * of.count
    return rose and float(two_rates(of.bad, of.count, of.bad_before, of.count_before)) >= SIGNIFICANT_NATS


def _without_history(table: Table, of: Whole, first: list[Found]) -> tuple[Whole, list[Found]]:
    """What lies outside the best cell is taken as the usual, a few times over."""
    for _ in range(ROUNDS_WITHOUT_HISTORY):
        chosen = best(first)
        if chosen is None or chosen.count >= of.count:
            break
        usual = min(of.usual, (of.bad - chosen.bad) / (of.count - chosen.count))
        if usual == of.usual:
            break
        of = replace(of, usual=usual)
        first = Scan(table, of).run()
    return of, first


class _Union:
    """Disjoint parts in the order in which they are taken away; each counts only what the earlier ones left."""

    def __init__(self, table: Table, of: Whole, cells: Sequence[Cell] = ()) -> None:
        self.table = table
        self.of = of
        self.parts: list[Found] = []
        self.excess = self.count = self.bad = 0.0
        self.rest = table
        for cell in cells:
            self.add(cell)

    @property
    def worth(self) -> float:
        return float(worth(self.excess, self.count, self.of))

    def add(self, cell: Cell) -> None:
        inside = self.rest.holds(cell)
        split = self.rest.split
        now, before = inside[:split], inside[split:]
        rest = self.rest
        counts = Counts(*(np.array([each]) for each in (
            rest.bad[:split][now].sum(), rest.count[:split][now].sum(),
            rest.bad[split:][before].sum(), rest.count[split:][before].sum())))
        excess = float(counts.bad[0] - expected(counts, self.of)[0])
        bad, count = float(counts.bad[0]), float(counts.count[0])
        self.parts.append(Found(cell, bad, count, excess, 0.0))
        self.excess, self.count, self.bad = self.excess + excess, self.count + count, self.bad + bad
        self.rest = rest.where(~inside)

    def cells(self) -> list[Cell]:
        return [each.cell for each in self.parts]

    def by_excess(self) -> list[Found]:
        return sorted(self.parts, key=lambda each: -each.excess)

    def copy_of(self, other: "_Union") -> None:
        self.parts, self.rest = other.parts, other.rest
        self.excess, self.count, self.bad = other.excess, other.count, other.bad


def _explain(union: _Union, first: list[Found]) -> None:
    """Fill the union."""
    of = union.of
    chosen = best(first)
    while chosen is not None:
        union.add(chosen.cell)
        if len(union.parts) > 1:
            _backfit(union)
        if len(union.parts) == MOST_CAUSES:
            return
        target = (1 + GAIN) * union.worth
        left = of.bad - union.bad
        most = min(left, max(of.bad - of.count * of.usual - union.excess, 0.0) + 3 * math.sqrt(max(left, 0.0)))
        if least_failures(target, union.excess, union.count, of) > most:
            return
        chosen = best(Scan(union.rest, of, union.excess, union.count, target).run())
        if chosen is not None and chosen.worth < target:
            return


def _backfit(union: _Union) -> None:
    """Look again for each earlier cell, outside of all others."""
    for index in range(len(union.parts) - 1):
        cells = union.cells()
        others = _Union(union.table, union.of, cells[:index] + cells[index + 1:])
        target = 1.0001 * union.worth
        chosen = best(Scan(others.rest, union.of, others.excess, others.count, target).run())
        if chosen is not None and chosen.worth >= target and chosen.cell != cells[index]:
            others.add(chosen.cell)
            union.copy_of(others)


def _part(table: Table, found: Found, of: Whole) -> Part:
    return Part(table.told(found.cell), found.excess, found.excess / of.excess)


def _runners_up(table: Table, first: list[Found], union: _Union, of: Whole) -> tuple[Part, ...]:
    """The next best answers, were the named ones wrong."""
    named = set(union.cells())
    others = sorted((each for each in first if each.cell not in named and each.count < of.count),
                    key=lambda each: -each.worth)
    return tuple(_part(table, each, of) for each in others[:RUNNERS_UP])


def surge_of(table: Table, seconds: float, seconds_before: float) -> Part | None:
    """Whether anything fails or not."""
    return surge(table, _whole(table), seconds, seconds_before)


def surge(table: Table, of: Whole, seconds: float, seconds_before: float) -> Part | None:
    """The one value whose requests grew so much that they explain the growth of all; else the one client that half of
    it comes from, and that grew far more than the others; None if none does."""
    if not of.count_before:
        return None
    longer = seconds / seconds_before
    grown = of.count - longer * of.count_before
    if grown < SURGE_SHARE * of.count:
        return None
    split, top, place = table.split, NARROWNESS * grown, None
    for column, codes in enumerate(table.codes):
        size = len(table.values[column])
        count: Numbers = np.asarray(np.bincount(codes[:split], weights=table.count[:split], minlength=size), float)
        more = count - longer * np.bincount(codes[split:], weights=table.count[split:], minlength=size)
        value = np.where(table.can_be_named(column), worth(more, count, of), -np.inf)
        at = int(np.argmax(value))
        if value[at] > top:
            top, place = float(value[at]), Part(table.told(((column, at),)), float(more[at]), float(more[at] / grown))
    return place or _one_client(table, longer, grown)


def _one_client(table: Table, longer: float, grown: float) -> Part | None:
    """`longer`: the time now, in times of that before; `grown`: requests beyond the usual."""
    if CLIENT not in table.names:
        return None
    column, split = table.names.index(CLIENT), table.split
    codes, size = table.codes[column], len(table.values[column])
    now = np.bincount(codes[:split], weights=table.count[:split], minlength=size)
    usual = longer * np.bincount(codes[split:], weights=table.count[split:], minlength=size)
    at = int(np.argmax(np.where(table.can_be_named(column), now - usual, -np.inf)))
    more, others, others_usual = now[at] - usual[at], now.sum() - now[at], usual.sum() - usual[at]
    if more < HALF * grown or now[at] * others_usual < OUTGROWN * usual[at] * others:
        return None
    return Part(table.told(((column, at),)), float(more), float(more / grown))
