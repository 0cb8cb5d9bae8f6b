"""Where a worker's CPU time goes under load: perf samples of one traffic process, by symbol, user and kernel apart.

The event is cpu-clock, which virtual machines have too. Stacks, folded one per line as flame graph tools read them,
go to profile.folded in --out.
"""

import argparse
import collections
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from loadtests import install, lineup, results, scenarios, site, upstream
from loadtests.errors import LoadTestError, MissingProgramError
from loadtests.lineup import Contestant
from loadtests.peers import PEERS
from loadtests.scenarios import Scenario

FREQUENCY = 1999  # samples per second: prime, so as not to beat with timers
_FRAME = re.compile(r"^\s+[0-9a-f]+ (?P<symbol>.+) \((?P<where>[^()]*(?:\([^()]*\))?)\)$")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--proxy", choices=list(PEERS), default="gateway", help="(default: %(default)s)")
    parser.add_argument("--scenario", choices=list(scenarios.SCENARIOS), default="small", help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="(default: %(default)s)")
    parser.add_argument("--top", type=int, default=25, help="symbols to print of each side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=results.FOLDER, help="(default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")


def main(options: argparse.Namespace) -> int:
    if shutil.which("perf") is None:
        raise MissingProgramError("perf is not installed: apt-get install linux-perf")
    peer, scenario = PEERS[options.proxy](), scenarios.SCENARIOS[options.scenario]
    install.prepare([peer], install=False, say=print)
    cores = site.divide_cores(site.available_cores(), scenario.workers)
    with (site.temporary_site(options.first_port) as where,
          upstream.running(where, cores=cores.load, workers=scenario.workers) as behind,
          lineup.started([peer], scenario, behind.ports, where, cores) as (contestant,)):
        stacks = list(stacks_of(_record(contestant, scenario, options.seconds)))
    _report(stacks, options)
    return 0


def stacks_of(script: str) -> Iterator[tuple[str, ...]]:
    """Each sample of `perf script -F ip,sym,dso` as its frames, innermost first; kernel frames end in `_[k]`."""
    frames: list[str] = []
    for line in [*script.splitlines(), ""]:
        found = _FRAME.match(line)
        if found:
            frames.append(_frame(found["symbol"], found["where"]))
        elif frames:
            yield tuple(frames)
            frames = []


def folded(stacks: Iterable[tuple[str, ...]]) -> str:
    """One line per distinct stack, outermost frame first, with its count."""
    counts = collections.Counter(";".join(reversed(stack)) for stack in stacks)
    return "".join(f"{stack} {count}\n" for stack, count in sorted(counts.items()))


def top_symbols(stacks: Iterable[tuple[str, ...]], kernel: bool, most: int) -> list[tuple[str, int]]:
    """The innermost frames on that side, the most frequent first."""
    return collections.Counter(
        stack[0] for stack in stacks if stack[0].endswith("_[k]") is kernel).most_common(most)


def _record(contestant: Contestant, scenario: Scenario, seconds: float) -> str:
    data = contestant.folder / "perf.data"
    lineup.measure(contestant, lineup.load_on(contestant, scenario, 1.0))  # warm-up
    record = ["perf", "record", "--quiet", "--event", "cpu-clock", "--freq", str(FREQUENCY), "--call-graph", "fp",
              "--pid", str(contestant.traffic[0]), "--output", str(data), "--", "sleep", f"{seconds}"]
    with subprocess.Popen(record, stderr=subprocess.PIPE, text=True) as perf:
        lineup.measure(contestant, lineup.load_on(contestant, scenario, seconds))
        _, complaint = perf.communicate()
    if not data.exists():
        raise LoadTestError(f"perf recorded nothing (it needs kernel.perf_event_paranoid <= 1 or root): {complaint}")
    return subprocess.run(["perf", "script", "--input", str(data), "--fields", "ip,sym,dso"],
                          capture_output=True, text=True, check=True).stdout


def _frame(symbol: str, where: str) -> str:
    """`[unknown]` symbols are told apart by their file."""
    name = symbol.split("+0x")[0]
    if name == "[unknown]":
        name = f"[{Path(where).name}]"
    return f"{name}_[k]" if where.startswith("[kernel") or where.endswith(".ko") else name


def _report(stacks: list[tuple[str, ...]], options: argparse.Namespace) -> None:
    if not stacks:
        raise LoadTestError("perf saw no sample: was the worker idle?")
    for kernel in (False, True):
        total = sum(stack[0].endswith("_[k]") is kernel for stack in stacks)
        print(f"\n{'kernel' if kernel else 'user'}: {total / len(stacks):.1%} of {len(stacks):,} samples")
        for symbol, count in top_symbols(stacks, kernel, options.top):
            print(f"  {count / len(stacks):6.1%}  {symbol.removesuffix('_[k]')}")
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "profile.folded"
    path.write_text(folded(stacks))
    print(f"\nwrote {path}")
