"""How good is root-cause attribution? Tables from the production code, one command each:

    python -m loadtests attribution real [--data FOLDER]                real incidents with a known cause
    python -m loadtests attribution synthetic [--incidents 100]         simulated HTTP incidents, kind by kind, and time

`real` takes a folder of incidents as github.com/shaido987/riskloc has them (data/RS): CSV of `min, …, value, cnt` per
leaf combination, of which `value` were bad, and the causes in anomaly.yaml. The incident is the minute that is named
there, its history every minute before.
"""

import argparse
import csv
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gateway.analyse.attribution import Attribution, Reach, attribute
from gateway.analyse.table import Table, table
from loadtests.analysis.synthetic import KINDS, Incident
from loadtests.errors import LoadTestError

DATA = Path(__file__).resolve().parents[3] / "shared/data/root-cause"
MEASURES = {"min", "value", "cnt"}
FIRST_SEED = 10_000
RECORDS = 100_000
P95_MS = 100.0
PUBLISHED = {"RobustSpot, published, all 135": 0.418, "Adtributor, published, all 135": 0.274,
             "the study of the method, on 47": 0.863}
Conditions = dict[str, str]


def add_options(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    real = parts.add_parser("real", help="real incidents with a known cause")
    real.add_argument("--data", type=Path, default=DATA, help="folder of the incidents (default: the shared folder)")
    synthetic = parts.add_parser("synthetic", help="simulated HTTP incidents, kind by kind, and the time they take")
    synthetic.add_argument("--incidents", type=int, default=100, help="of each kind (default: %(default)s)")
    synthetic.add_argument("--records", type=int, default=RECORDS, help="of the incident, and as many before it")
    synthetic.add_argument("--kind", action="append", choices=list(KINDS), help="only this one; again for more")


def main(options: argparse.Namespace) -> int:
    return _real(options.data) if options.part == "real" else _synthetic(options)


# ---------------------------------------------------------------------- real incidents

@dataclass
class Score:
    """Answers against causes: right, wrong, missed; first and first three; by incident."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    first: int = 0
    first_three: int = 0
    incidents: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)

    def add(self, answer: Attribution, causes: list[Conditions]) -> None:
        """'No recorded dimension narrows it' is a wrong answer where a cause is known."""
        named = [each.conditions for each in answer.causes]
        ranked = named + [each.conditions for each in answer.runners_up]
        right = sum(each in causes for each in named)
        self.right += right
        self.wrong += max(1, len(named)) - right
        self.missed += len(causes) - right
        self.first += bool(ranked) and bool(named) and ranked[0] in causes
        self.first_three += any(each in causes for each in ranked[:3])
        self.incidents += 1


def _real(folder: Path) -> int:
    if not (folder / "anomaly.yaml").exists():
        raise LoadTestError(f"no anomaly.yaml in {folder}: say --data")
    score = Score()
    for name, incident, causes in _known(folder):
        began = time.perf_counter()
        answer = attribute(incident)
        score.times.append((time.perf_counter() - began) * 1e3)
        score.add(answer, causes)
        if [each.conditions for each in answer.causes] != causes:
            print(f"  {name}: {answer}; known: {'; '.join(map(str, causes))}")
    print(f"{score.incidents} incidents: micro-F1 {score.f1:.3f} ({score.right} right, {score.wrong} wrong, "
          f"{score.missed} missed), first {score.first}, in the first three {score.first_three}")
    print(f"time: mean {statistics.mean(score.times):.1f} ms, most {max(score.times):.1f} ms")
    for who, found in PUBLISHED.items():
        print(f"  {who:36} {found:.3f}")
    return 0


def _known(folder: Path) -> Iterator[tuple[str, Table, list[Conditions]]]:
    for entry in yaml.safe_load((folder / "anomaly.yaml").read_text()):
        path = folder / f"{entry['data']}.csv"
        if path.exists():
            yield entry["data"], _incident(path, int(entry["timestamp"])), _causes(entry["cause"])


def _causes(told: Any) -> list[Conditions]:
    return [{name: str(value) for name, value in each.items()} for each in (told if isinstance(told, list) else [told])]


def _incident(path: Path, minute: int) -> Table:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in MEASURES]
    now = [row for row in rows if int(row["min"]) == minute]
    before = [row for row in rows if int(row["min"]) < minute]
    both = [*now, *before]
    return table(names, now, before, count=[float(row["cnt"]) for row in both],
                 bad=[float(row["value"]) for row in both])


# ---------------------------------------------------------------------- simulated incidents

def _synthetic(options: argparse.Namespace) -> int:
    print(f"{options.records:,} + {options.records:,} records, {options.incidents} incidents of each kind, "
          "ms of processor time\n")
    print(f"{'kind':30} verdict  first  three  exact  mean ms     p95     max")
    late = 0
    for number, kind in enumerate(options.kind or KINDS):
        late += _of_kind(kind, FIRST_SEED * (number + 1), options)
    print(f"\np95 under {P95_MS:g} ms for every kind: {'met' if not late else f'MISSED by {late}'}")
    return 1 if late else 0


def _of_kind(kind: str, seed: int, options: argparse.Namespace) -> bool:
    """Whether it took too long."""
    told, times = [], []
    for each in range(options.incidents):
        incident = KINDS[kind](seed + each, options.records, options.records)
        began = time.process_time()
        answer = attribute(incident.table, 1.0, incident.longer)
        times.append((time.process_time() - began) * 1e3)
        told.append(_judged(incident, answer))
    verdict, first, three, exact = (statistics.mean(each) for each in zip(*told, strict=True))
    p95 = float(np.percentile(times, 95))
    print(f"{kind:30} {verdict:7.2f}  {first:5.2f}  {three:5.2f}  {exact:5.2f}  {statistics.mean(times):7.0f} "
          f"{p95:7.0f} {max(times):7.0f}", flush=True)
    return p95 >= P95_MS


def _judged(incident: Incident, answer: Attribution) -> tuple[bool, bool, bool, bool]:
    """Is the verdict right, is the first cause, is one of the first three, and all of them and nothing else? Where the
    answer is everywhere, the surge counts as the cause."""
    truth = [incident.table.told(each) for each in incident.truth]
    named = [each.conditions for each in answer.causes]
    verdict = answer.reach == Reach(incident.verdict)
    if incident.verdict != "cause":
        surge = incident.table.told(incident.surge) if incident.surge else None
        same = verdict and (answer.surge.conditions if answer.surge else None) == surge
        return verdict, same, same, same
    ranked = named + [each.conditions for each in answer.runners_up]
    return (verdict, bool(named) and named[0] in truth, any(each in truth for each in ranked[:3]),
            sorted(named, key=str) == sorted(truth, key=str))
