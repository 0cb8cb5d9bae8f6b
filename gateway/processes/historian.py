"""The child of control that recalls an incident that is over: what it cost, for its post-mortem.

    python -m gateway.processes.historian FOLDER QUESTION ANSWER

The answer is renamed into its place, so that it is there as a whole or not at all.
"""

import dataclasses
import json
import os
import sys
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
    asked = json.loads(question.read_text())
    asked["routes"] = tuple((name, success) for name, success in asked["routes"])
    fresh = answer.with_suffix(".new")
    fresh.write_text(json.dumps(dataclasses.asdict(recalling.recall(folder, Question(**asked)))))
    fresh.rename(answer)


if __name__ == "__main__":
    main()
