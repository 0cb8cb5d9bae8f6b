"""How good is anomaly detection? Tables from the production code, one command each:

    python -m loadtests detection simulated [--routes 20] [--months 1]   false alarms and delays on simulated months
    python -m loadtests detection series [--data FOLDER]                 the labelled series of the shared folder
"""

import argparse
import importlib

PARTS = {"simulated": "simulated months: false alarms within the budget? how long to an alarm?",
         "series": "real labelled series: recall, precision, false alarms, delay, NAB score"}


def add_options(command: argparse.ArgumentParser) -> None:
    parts = command.add_subparsers(required=True, metavar="PART")
    for name, purpose in PARTS.items():
        module = importlib.import_module(f"loadtests.detection.{name}")
        part = parts.add_parser(name, help=purpose, description=module.__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_options(part)
        part.set_defaults(part=module.main)


def main(options: argparse.Namespace) -> int:
    return int(options.part(options))
