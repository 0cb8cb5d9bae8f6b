"""Does every scenario run through the gateway without a failed request? 20 seconds, no assertion about time.

nginx runs beside it under the same load: when both fail, look at the machine; when one fails, at that one.
"""

import argparse
import sys

from loadtests import install, lineup, readiness, scenarios, site, upstream
from loadtests.errors import LoadTestError
from loadtests.peers import PEERS, Peer
from loadtests.scenarios import Scenario

SCENARIOS = ("small", "body-64k", "body-1m", "tls")
SECONDS = 2.0  # of load per proxy and scenario: 16 s, and start and stop around them


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--proxy", action="append", choices=list(PEERS),
                        help="instead of gateway and nginx; repeatable")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load per proxy and scenario")
    parser.add_argument("--first-port", type=int, default=site.FIRST_PORT, help="where to look for free ports from")
    parser.add_argument("--no-install", action="store_true", help="do not install a missing program, end instead")


def main(options: argparse.Namespace) -> int:
    """1 when any scenario failed."""
    peers: list[Peer] = [PEERS[name]() for name in options.proxy or ("gateway", "nginx")]
    install.prepare(peers, install=not options.no_install, say=lambda line: print(line, file=sys.stderr))
    failed = sum(not _passes(scenarios.SCENARIOS[name], peers, options) for name in SCENARIOS)
    print(f"{len(SCENARIOS) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _passes(scenario: Scenario, peers: list[Peer], options: argparse.Namespace) -> bool:
    try:
        _run(scenario, peers, options)
    except LoadTestError as error:
        print(f"{scenario.name}: FAILED: {error}")
        return False
    return True


def _run(scenario: Scenario, peers: list[Peer], options: argparse.Namespace) -> None:
    cores = site.divide_cores(site.available_cores(), scenario.workers)
    with (site.temporary_site(options.first_port) as where,
          upstream.running(where, cores=cores.load) as behind,
          lineup.started(peers, scenario, behind.ports, where, cores) as contestants):
        for each in contestants:
            sample = lineup.measure(each, lineup.load_on(each, scenario, options.seconds))
            readiness.check(each.port, scenario, each.tls)
            print(f"{scenario.name}: {each.label} answered {sample.requests:,} requests, none failed", flush=True)
