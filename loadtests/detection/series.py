"""The labelled series of the shared folder, scored by production code with one fixed setting per kind.

The full set is shown without a mark: the study that found these settings saw all of it. The marks are on the
split-half run: each series is in one of two halves (every second one of its group by name); of the settings below,
the one that is best on one half is scored on the other, both ways. Beside it: EWMA z-score, an adaptive band, and the
untuned res-EVT.
"""

import argparse
import dataclasses
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.detect.residual import COUNT, GAUGE, Kind
from loadtests.detection import contenders, labelled, scoring
from loadtests.detection.contenders import Contender
from loadtests.detection.labelled import GROUPS, Series
from loadtests.detection.scoring import Score
from loadtests.tables import aligned

BUDGETS = (1.0, 4.0)
SWEEP = (0.01, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
MARKS = (2.0, 2.0, 4.0)
"""False alarms per series-month at a budget of 1, by group."""
PROJECT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SAFEGUARD_SHARED", PROJECT.parent / "shared")) / "data" / "series"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, default=SHARED,
                         help="folder with microsoft/ and nab/; SAFEGUARD_SHARED names the shared folder")


def main(options: argparse.Namespace) -> int:
    series = labelled.read(options.data)
    began = time.process_time()
    counts = sum(each.counts for each in series)
    print(f"# {len(series)} labelled series, {counts} of them counts\n")
    swept = {name: _swept(contender, series) for name, contender in (
        ("production", contenders.production()), ("res-EVT", contenders.residual_tail))}
    ewma = dict(zip(BUDGETS, contenders.ewma_z(series, BUDGETS), strict=True))
    band = contenders.band(series, (1.0,))[0]
    print("## The full set (no mark)\n\n" + full(series, swept, ewma, band) + "\n")
    print("## Split-half: set on one half, scored on the other, both ways\n\n" + halves(series, swept, band) + "\n")
    print(f"({time.process_time() - began:.0f} s of CPU)")
    return 0


def settings(kind: Kind) -> list[Kind]:
    """What the halves choose from: the fixed setting, and each of its choices the other way."""
    return [kind, dataclasses.replace(kind, suspicion=1.5 - kind.suspicion),
            dataclasses.replace(kind, run_noise=5 - kind.run_noise),
            dataclasses.replace(kind, slowness=6 - kind.slowness),
            dataclasses.replace(kind, control=kind.control / 2)]


def _swept(contender: Contender, series: Sequence[Series]) -> dict[float, list[scoring.Alarms]]:
    return dict(zip(SWEEP, contender(series, SWEEP), strict=True))


def of_group(series: Sequence[Series], alarms: Sequence[scoring.Alarms], group: str, half: int | None = None) -> Score:
    members = [(each, alarm) for each, alarm in zip(series, alarms, strict=True) if each.group == group]
    return scoring.together(scoring.score(each, alarm) for each, alarm in (members if half is None
                                                                           else members[half::2]))


def full(series: Sequence[Series], swept: dict[str, dict[float, list[scoring.Alarms]]],
         ewma: dict[float, list[scoring.Alarms]], band: list[scoring.Alarms]) -> str:
    rows = [["detector", "group", "recall", "precision", "F1", "false alarms/month", "delay, samples p50/p90",
             "NAB score"]]
    for group in GROUPS:
        for budget in BUDGETS:
            for name, alarms in (("production", swept["production"][budget]), ("res-EVT", swept["res-EVT"][budget]),
                                 ("EWMA z", ewma[budget])):
                rows.append([f"{name}, budget {budget:g}", group, *_cells(of_group(series, alarms, group))])
        rows.append(["adaptive band", group, *_cells(of_group(series, band, group))])
    return aligned(rows)


def _cells(score: Score) -> list[str]:
    delays = sorted(score.delays)
    delay = f"{delays[len(delays) // 2]}/{delays[int(len(delays) * 0.9)]}" if delays else "-"
    return [f"{score.recall:.2f} ({score.hit}/{score.segments})", f"{score.precision:.2f}", f"{score.f1:.2f}",
            f"{score.per_month:.2f}", delay, f"{score.nab_score:.1f}"]


def halves(series: Sequence[Series], swept: dict[str, dict[float, list[scoring.Alarms]]],
           band: list[scoring.Alarms]) -> str:
    choices = list(zip(settings(COUNT), settings(GAUGE), strict=True))
    found = [swept["production"], *(_swept(contenders.production(*choice), series) for choice in choices[1:])]
    rows = [["group", "setting chosen (half 1, half 2)", "F1", "false alarms/month, budget 1", "mark",
             "best F1 at no more false alarms than", "ours", "theirs", "mark"]]
    for group, mark in zip(GROUPS, MARKS, strict=True):
        picks = [max(range(len(found)), key=lambda pick, half=half: (
            of_group(series, found[pick][1.0], group, half).f1, -pick)) for half in (0, 1)]
        crossed = {budget: of_group(series, found[picks[0]][budget], group, 1)
                   + of_group(series, found[picks[1]][budget], group, 0) for budget in SWEEP}
        held = crossed[1.0]
        first = [group, f"{picks[0]}, {picks[1]}", f"{held.f1:.2f}", f"{held.per_month:.2f}",
                 f"<= {mark:g}: {_said(held.per_month <= mark)}"]
        for limit, ours, theirs in _matched(series, crossed, swept["res-EVT"], band, group):
            rows.append([*first, limit, f"{ours:.2f}", f"{theirs:.2f}", _said(ours >= theirs)])
            first = [""] * 5
    return aligned(rows)


def _matched(series: Sequence[Series], crossed: dict[float, Score], tail: dict[float, list[scoring.Alarms]],
             band: list[scoring.Alarms], group: str) -> list[tuple[str, float, float]]:
    """At each false-alarm rate that the others have: the best F1 of ours at no more, and theirs."""
    beside = of_group(series, band, group)
    found = [(f"adaptive band {beside.per_month:.1f}", _best(crossed.values(), beside.per_month), beside.f1)]
    tails = {budget: of_group(series, alarms, group) for budget, alarms in tail.items()}
    for limit in sorted({1.0, 3.0, 10.0, *(round(tails[budget].per_month, 2) for budget in BUDGETS)}):
        found.append((f"res-EVT {limit:.1f}", _best(crossed.values(), limit), _best(tails.values(), limit)))
    return found


def _best(scores: Iterable[Score], most: float) -> float:
    return max((score.f1 for score in scores if score.per_month <= most + 0.005), default=0.0)


def _said(met: bool) -> str:
    return "met" if met else "MISSED"
