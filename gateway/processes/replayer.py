"""The child of control that replays recorded requests: two plans in, a report out, at the lowest priority.

    python -m gateway.processes.replayer FOLDER SINCE_NS < {"old": plan, "new": plan} > report
"""

import json
import os
import sys
from pathlib import Path

import setproctitle

from gateway.config import replay, replay_lines
from gateway.processes import parent
from gateway.routing import plan as plans

NICE = 9                                # beside that of control: as low as it goes


def main() -> None:
    parent.die_with(os.getppid())
    setproctitle.setproctitle("gateway: replayer")
    os.nice(NICE)
    asked = json.load(sys.stdin)
    old, new = (plans.from_json(asked[name]) for name in ("old", "new"))
    try:
        report = replay.replay_recording(old, new, Path(sys.argv[1]), int(sys.argv[2]))
    except (OSError, ValueError) as error:
        json.dump({"fault": str(error)}, sys.stdout)
    else:
        json.dump(replay_lines.document(report), sys.stdout)


if __name__ == "__main__":
    main()
