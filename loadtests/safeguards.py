"""What the safeguards cost: each one's compiled leaf on a real board in ns; then all of them together, in µs of a
worker's CPU per request, by one build with all of them on beside itself with all of them off. The flight recorder is
always on, so its cost is among the leaves only.
"""

import argparse
import sys

from loadtests import install, leaf_cost, quiet, rounds, scenarios, site, summary
from loadtests.peers import Gateway
from loadtests.rounds import Measured

ROUNDS = 7
SECONDS = 3.0
MARK_US = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="with and without (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load per round (default: %(default)s)")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")
    parser.add_argument("--no-install", action="store_true", help="do not install a missing program, end instead")


def main(options: argparse.Namespace) -> int:
    """1 when a leaf takes more than its 200 ns, or all together more than a microsecond."""
    over = leaf_cost.main()
    peers = [Gateway(), Gateway(bare=True)]
    install.prepare(peers, install=not options.no_install, say=_say)
    with site.temporary_site(options.first_port) as where:
        measured = rounds.run_scenario(scenarios.SCENARIOS["small"], peers, where, rounds=options.rounds,
                                       seconds=options.seconds, say=_say)
    return max(over, _verdict(measured, *(peer.label for peer in peers)))


def _verdict(measured: Measured, guarded: str, bare: str) -> int:
    seen = summary.difference(summary.costs(measured, guarded), summary.costs(measured, bare))
    met = seen.median < MARK_US
    print(f"all safeguards together: {seen.median:+.2f} µs per request (rounds {seen.low:+.2f} to {seen.high:+.2f}), "
          f"mark {MARK_US:g}: {'met' if met else 'MISSED'}")
    others = max(sample.others for samples in measured.rounds.values() for sample in samples)
    loud = "" if others <= quiet.QUIET else ": NOT QUIET, measure again before you conclude"
    print(f"other programs took up to {others:.1%} of the cores{loud}")
    return 0 if met else 1


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
