"""`python -m loadtests COMMAND`: see README.md."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from loadtests.errors import LoadTestError

COMMANDS = {
    "bench": "compare the gateway with other proxies: CPU per request, requests/s, latencies",
    "safeguards": "what each safeguard costs, and all of them together",
    "smoke": "20 seconds: does every scenario run without a failed request?",
    "idle": "memory of a worker that holds 10,000 idle connections",
    "stream": "2 GiB up and down, and a slow reader: same bytes, flat memory",
    "control": "what the thinking of control costs at 1,000 routes",
    "limit": "proof: a rate limit is exact over two workers, and its table bounded",
    "isolation": "proof: in force in every worker at once, whoever dies, until its time",
    "reloads": "proof: 100 reloads and 50 kills during apply, no failed request, one plan",
    "bad-endpoint": "proof: an endpoint that answers 500 is out after 5 errors and comes back",
    "blackout": "proof: a dead upstream is hardly asked, and the fallback answers",
    "probation": "proof: a revision that is worse is rolled back, a harmless one is not",
    "overload": "proof: four times the load one worker can bear, a critical route beside it",
    "disorder": "proof: misbehaving clients leave no permit, connection or memory behind",
    "contract": "proof: the admin API answers what its OpenAPI document promises, whatever it is asked",
    "admin-attack": "proof: the data plane does not notice an attack on the admin side",
    "pictures": "screenshots of the dashboard, of running processes with traffic",
    "leaves": "what each safeguard costs on a real board, in ns per call",
    "replay": "recorded requests that a replay decides per second of CPU",
    "etest": "probation on synthetic traffic: false rollbacks, power, delay",
    "profile": "where a worker's CPU time goes (perf)",
    "injections": "sixty live faults: found, named, contained? how fast?",
    "attribution": "root causes of real and of simulated incidents: found? how fast?",
    "detection": "anomaly detection on simulated months and on real labelled series",
}
_PROOFS = ("limit", "isolation", "reloads", "bad-endpoint", "blackout", "overload", "disorder", "contract",
           "admin-attack", "probation")
_MODULES = {"leaves": "leaf_cost", "profile": "profiling",  # the standard library has a `profile` too
            "detection": "detection.command", "attribution": "analysis.command", "injections": "injections.command",
            **{name: f"proofs.{name.replace('-', '_')}" for name in _PROOFS}}


def main(arguments: Sequence[str] | None = None) -> int:
    """0: measured. 1: something failed under the load, or could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m loadtests", description="Load tests of the gateway.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        module = importlib.import_module(f"loadtests.{_MODULES.get(name, name)}")
        command = commands.add_parser(name, help=purpose, description=module.__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_options(command)
        command.set_defaults(run=module.main)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except LoadTestError as error:
        sys.stderr.write(f"load test: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
