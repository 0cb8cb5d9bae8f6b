"""Where a process is in its life."""

import enum


class State(enum.IntEnum):
    """A straight line: the only way back is a new process."""

    EMPTY = 0
    STARTING = 1
    READY = 2
    DRAINING = 3
    DEAD = 4
