"""Compare the gateway with other proxies: CPU per request, requests/s, latencies.

Results go to the terminal, and as JSON, a Markdown table and an SVG chart into --out.
"""

import argparse
import sys
from pathlib import Path

from loadtests import install, results, rounds, scenarios, site, summary, tables
from loadtests.peers import PEERS, Gateway, Peer

# On a noisy machine the medians of many short rounds move less than those of a few long ones: of 7 rounds of 3 s one
# run said 1.08 x nginx, of 25 rounds of 1 s the next one 0.86. The total of CPU is exact to the nanosecond either way.
ROUNDS = 21
SECONDS = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="per proxy and scenario (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load per round (default: %(default)s)")
    parser.add_argument("--scenario", action="append", choices=list(scenarios.SCENARIOS),
                        help="only this one; repeatable")
    parser.add_argument("--proxy", action="append", choices=list(PEERS), help="only this one; repeatable")
    parser.add_argument("--against", action="append", type=Path, default=[], metavar="CHECKOUT",
                        help="also run the gateway of another checkout, built in place: before and after in one run")
    parser.add_argument("--access-log", action="store_true", help="every proxy writes a line for each request")
    parser.add_argument("--out", type=Path, help=f"folder for the results (default: {results.FOLDER}; with access "
                        "logs, the folder access-log in it)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")
    parser.add_argument("--no-install", action="store_true", help="do not install a missing proxy, end instead")


def main(options: argparse.Namespace) -> int:
    peers: list[Peer] = [PEERS[name]() for name in options.proxy or PEERS]
    peers += [Gateway(checkout) for checkout in options.against]
    install.prepare(peers, install=not options.no_install, say=_say)
    chosen = [scenarios.SCENARIOS[name] for name in options.scenario or scenarios.SCENARIOS]
    if options.access_log:
        chosen = [scenario.with_access_logs() for scenario in chosen]
    folder = options.out or (results.FOLDER / "access-log" if options.access_log else results.FOLDER)
    measured = []
    for scenario in chosen:
        with site.temporary_site(options.first_port) as where:
            measured.append(rounds.run_scenario(scenario, peers, where, rounds=options.rounds, seconds=options.seconds,
                                                say=_say))
        sys.stdout.write(tables.section(measured[-1]) + "\n\n")
        sys.stdout.flush()
    written = results.write(folder, measured, {"rounds": options.rounds, "seconds": options.seconds})
    sys.stdout.write("".join(f"{line}\n" for each in measured for line in summary.verdicts(each)))
    sys.stdout.write("".join(f"wrote {path}\n" for path in written))
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
