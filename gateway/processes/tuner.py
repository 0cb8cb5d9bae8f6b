"""The child of control that replays the windows under other budgets, once an incident's post-mortem is there.

    python -m gateway.processes.tuner FOLDER QUESTION ANSWER

The answer is renamed into its place, so that it is there as a whole or not at all.
"""

import json
import os
import sys
import time
from pathlib import Path

import setproctitle

from gateway.control import tuning
from gateway.control.tuning import TuningQuestion
from gateway.processes import parent

NICE = 9                                # beside that of control: it has all the time in the world


def main() -> None:
    parent.die_with(os.getppid())
    setproctitle.setproctitle("gateway: tuner")
    os.nice(NICE)
    folder, question, answer = map(Path, sys.argv[1:4])
    found = tuning.tune(folder, TuningQuestion.from_json(question.read_text()), time.time_ns())
    fresh = answer.with_suffix(".new")
    fresh.write_text(json.dumps(found))
    fresh.rename(answer)


if __name__ == "__main__":
    main()
