"""The child of control that recalls an incident that is over: what it cost, and what would prevent it; and drafts what
would put one right that is open.

    python -m gateway.processes.historian FOLDER QUESTION ANSWER

The answer is renamed into its place, so that it is there as a whole or not at all.
"""

import dataclasses
import json
import os
import sys
import time
from pathlib import Path

import setproctitle

from gateway.control import recalling
from gateway.control.recalling import Question
from gateway.processes import parent

NICE = 5                                # beside that of control


def main() -> None:
    parent.die_with(os.getppid())
    setproctitle.setproctitle("gateway: historian")
    os.nice(NICE)
    folder, question, answer = map(Path, sys.argv[1:4])
    found = recalling.think(folder, Question.from_json(question.read_text()), time.time_ns())
    fresh = answer.with_suffix(".new")
    fresh.write_text(json.dumps(dataclasses.asdict(found)))
    fresh.rename(answer)


if __name__ == "__main__":
    main()
