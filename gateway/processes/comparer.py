"""The child of control that compares two spans of kept flight records.

    python -m gateway.processes.comparer FOLDER '[since, until, since_before, until_before, slow]'
"""

import json
import os
import sys
from pathlib import Path

import setproctitle

from gateway.control.comparing import Span, compare
from gateway.processes import parent

NICE = 5                                # beside that of control


def main() -> None:
    parent.die_with(os.getppid())
    setproctitle.setproctitle("gateway: comparer")
    os.nice(NICE)
    since, until, since_before, until_before, slow = json.loads(sys.argv[2])
    json.dump(compare(Path(sys.argv[1]), Span(since, until), Span(since_before, until_before), bool(slow)), sys.stdout)


if __name__ == "__main__":
    main()
