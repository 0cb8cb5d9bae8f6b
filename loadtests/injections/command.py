"""Sixty live faults upon a gateway that knows what is usual: is the fault found, named, contained, and how fast?

    python -m loadtests injections                                  all sixty with acting off, a table
    python -m loadtests injections --acting both                    and again with acting on: what it spares the clients
    python -m loadtests injections --only endpoint --variants 3 --parallel 4
    python -m loadtests injections --name surge-2 --acting on       one, with its whole story
    python -m loadtests injections --outage 5 --errors 20           the special rows: a total outage, 20 % errors
    python -m loadtests injections --healthy 30m                    healthy noisy traffic: no alarm
    python -m loadtests injections --show results.json              the tables of what was run before, whole or cut off

Each scenario is a process of its own with its endpoints and clients, beside the processes of its gateway.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from gateway.model.quantities import parse_duration
from loadtests import processes, site
from loadtests.errors import LoadTestError
from loadtests.injections import history, tables, world
from loadtests.injections.faults import CLASSES, INJECTIONS, SPECIAL, Injection
from loadtests.injections.scenario import WAS_STARVED, Result, Scenario

FIRST_PORT = 25_000
PORTS_EACH = 16
RANGES = 64
"""Of ports, taken in turn: those of a scenario that has just ended are not free yet."""
PAST_LASTS = 24 * 3600
TURNS = 3
"""So often a scenario is run whose clients were starved by something else on the machine."""
GRACE = 240.0
"""Seconds that a scenario may take beyond its own on a busy machine."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", action="append", choices=sorted(CLASSES), help="a class; again for more")
    parser.add_argument("--name", action="append", help="a variant, such as surge-2; again for more")
    parser.add_argument("--variants", type=int, default=10, help="of each class (default: %(default)s)")
    parser.add_argument("--parallel", type=int, default=6, help="scenarios at a time (default: %(default)s)")
    parser.add_argument("--apart", type=float, default=6.0, help="seconds between two starts (default: %(default)s)")
    parser.add_argument("--acting", choices=("on", "off", "both"), default="off")
    parser.add_argument("--seconds", type=float, default=100.0, help="that a fault lasts (default: %(default)s)")
    parser.add_argument("--outage", type=int, default=0, metavar="RUNS", help="a total outage, so often")
    parser.add_argument("--errors", type=int, default=0, metavar="RUNS", help="20 %% errors at 20 requests/s, so often")
    parser.add_argument("--healthy", default="", metavar="DURATION", help="no fault for so long, such as 30m")
    parser.add_argument("--past", type=Path, help="a folder to keep the simulated past in, or to find it in")
    parser.add_argument("--out", type=Path, help="a folder for the results as JSON")
    parser.add_argument("--show", type=Path, action="append", metavar="FILE",
                        help="run nothing: the tables of such results; again for more")
    parser.add_argument("--first-port", type=int, default=FIRST_PORT, help="where to look for free ports from")
    parser.add_argument("--scenario", help=argparse.SUPPRESS)


def main(options: argparse.Namespace) -> int:
    if options.scenario:
        return _live(options)
    if options.show:
        kept = [Result(**each) for file in options.show for each in json.loads(file.read_text())]
        return tables.show(kept, CLASSES, with_story=bool(options.name))
    with tempfile.TemporaryDirectory(prefix="gateway-injections-") as folder:
        where = Path(folder)
        wanted = _wanted(options)
        past = options.past or where / "past"
        _make_past(past, sorted({injection.load for injection, _ in wanted}))
        results = _run_all(options, wanted, past, where)
    return tables.show(results, CLASSES, with_story=bool(options.name))


def _wanted(options: argparse.Namespace) -> list[tuple[Injection, bool]]:
    """What is run, each with acting or not: the first variant of each class, the second …, so that a run that is cut
    off has seen every class."""
    modes = {"on": (True,), "off": (False,), "both": (False, True)}[options.acting]
    if options.healthy:
        return [(SPECIAL[f"healthy-{load}"], True) for load in world.LOADS]
    chosen = [SPECIAL["outage-1"]] * options.outage + [SPECIAL["errors-1"]] * options.errors
    if options.name:
        chosen += [INJECTIONS[name] for name in options.name]
    elif not chosen or options.only:
        found = [(int(each.name.partition("-")[2]), each) for each in INJECTIONS.values()
                 if each.kind in (options.only or CLASSES)]
        chosen += [each for number, each in sorted(found, key=lambda pair: pair[0]) if number <= options.variants]
    return [(each, mode) for each in chosen for mode in modes]


# The past

def _make_past(past: Path, loads: list[int]) -> None:
    """For each load a state folder; those that are there and fresh are taken."""
    for load in loads:
        folder, now = past / str(load), time.time()
        made = folder / "made"
        if made.exists() and now - made.stat().st_mtime < PAST_LASTS:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        history.write(folder, load, int(now))
        wrote, learned = time.monotonic() - began, history.learn(folder)
        made.touch()
        print(f"{history.DAYS} days at {load} requests/s: written in {wrote:.0f} s by the production store, learned in "
              f"{learned:.0f} s by the production learner", flush=True)


# The scenarios, each in a process

def _run_all(options: argparse.Namespace, wanted: list[tuple[Injection, bool]], past: Path, where: Path
             ) -> list[Result]:
    waiting = [(number, each, 1) for number, each in enumerate(wanted)]
    running: dict[int, tuple[processes.Program, Path, Injection, bool, float, int]] = {}
    results: dict[int, Result] = {}
    kept = options.out and options.out / f"injections-{int(time.time())}.json"
    while waiting or running:
        while waiting and len(running) < options.parallel:
            number, (injection, acting), turn = waiting.pop(0)
            answer = where / f"{number}.json"
            running[number] = _begin(options, injection, acting, past, number, answer), answer, injection, \
                acting, time.monotonic(), turn
            time.sleep(options.apart)   # the starts cost most: one after the other
        for number in list(running):
            program, answer, injection, acting, since, turn = running[number]
            late = time.monotonic() - since > _length(options) + GRACE
            if program.running and late:
                program.stop()
            if not program.running:
                results[number] = _read(injection, acting, answer, program)
                print(tables.line(results[number]), flush=True)
                _keep(kept, results.values())
                del running[number]
                if WAS_STARVED in results[number].problem and turn < TURNS:
                    waiting.append((number, wanted[number], turn + 1))
        time.sleep(0.2)
    return [results[number] for number in sorted(results)]


def _keep(file: Path | None, results: Iterable[Result]) -> None:
    """All that is known so far: a run that is cut off has its figures too."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".fresh")
        fresh.write_text(json.dumps([each.document() for each in results], indent=1))
        fresh.rename(file)


def _length(options: argparse.Namespace) -> float:
    return parse_duration(options.healthy) / 1e9 if options.healthy else float(options.seconds)


def _begin(options: argparse.Namespace, injection: Injection, acting: bool, past: Path, number: int,
           answer: Path) -> processes.Program:
    command = [sys.executable, "-m", "loadtests", "injections", "--scenario", f"{injection.name}:{number}",
               "--acting", "on" if acting else "off", "--past", str((past / str(injection.load)).resolve()),
               "--out", str(answer), "--seconds", str(_length(options)),
               "--first-port", str(options.first_port + number % RANGES * PORTS_EACH)]
    return processes.Program(f"scenario-{number}", command, cores=frozenset(site.available_cores()),
                             folder=answer.parent, environment={"PYTHONPATH": str(processes.CHECKOUT)})


def _read(injection: Injection, acting: bool, answer: Path, program: processes.Program) -> Result:
    try:
        return Result(**json.loads(answer.read_text()))
    except (OSError, ValueError):
        return Result(injection.name, injection.words, injection.load, acting,
                      problem=f"no answer: {program.last_words(3)[-300:]}")


def _live(options: argparse.Namespace) -> int:
    """The process of one scenario: its result goes to the file `--out`."""
    name, _, number = options.scenario.partition(":")
    injection = (INJECTIONS | SPECIAL)[name]
    with tempfile.TemporaryDirectory(prefix="gateway-injection-") as folder:
        where = site.Site(Path(folder), options.first_port, options.first_port + PORTS_EACH - 1)
        try:
            scenario = Scenario(injection, where, options.past, options.acting == "on", seed=int(number) + 1)
            result = asyncio.run(scenario.run(options.seconds))
        except LoadTestError as error:
            result = Result(injection.name, injection.words, injection.load, options.acting == "on", str(error)[-500:])
    options.out.write_text(json.dumps(result.document()))
    return 0
