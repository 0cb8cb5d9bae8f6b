"""The child of control that learns what is usual from the stored windows, and leaves the state of the detectors.

    python -m gateway.processes.learner FOLDER WATCHES
"""

import json
import os
import sys
import time
from pathlib import Path

import setproctitle

from gateway.control import learning
from gateway.detect.watched import Watch
from gateway.processes import parent
from gateway.record.detector_state import DetectorState
from gateway.record.window_store import NAME, WindowStore

NICE = 5                                # beside that of control


def main() -> None:
    parent.die_with(os.getppid())
    setproctitle.setproctitle("gateway: learner")
    os.nice(NICE)
    folder = Path(sys.argv[1])
    watches = [Watch(**each) for each in json.loads(Path(sys.argv[2]).read_text())]
    state, now = DetectorState(folder), int(time.time())
    found = learning.learned(WindowStore(folder / NAME, 0), watches, now, learning.kept(state.read(), watches, now))
    state.write(found.to_bytes())


if __name__ == "__main__":
    main()
