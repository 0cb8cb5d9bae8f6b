"""The child of control that thinks about one incident: the question by a file, the board by its descriptor.

The answer is renamed into its place, so that it is there as a whole or not at all.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

import setproctitle

from gateway.board import Board
from gateway.control.investigating import Question, change, investigate
from gateway.processes import parent

NICE = 5                                # beside that of control


def main() -> None:
    parent.die_with(os.getppid())
    setproctitle.setproctitle("gateway: analyst")
    os.nice(NICE)
    board, question, answer = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    asked = Question(**json.loads(question.read_text()))
    asked = dataclasses.replace(asked, changes=tuple(change(dict(each)) for each in asked.changes))  # type: ignore[call-overload]
    fresh = answer.with_suffix(".new")
    fresh.write_text(json.dumps(investigate(Board.attach(board), asked)))
    fresh.rename(answer)


if __name__ == "__main__":
    main()
