"""A child lives no longer than its parent, whatever ends it.

PR_SET_PDEATHSIG takes effect only from the call on, so the parent is checked again after it: had it died in between,
the child would already belong to another process.
"""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


class OrphanedError(RuntimeError):
    """The parent was gone before the child could bind its life to it."""


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent` ends. Raises OrphanedError, OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise OrphanedError(f"process {parent} ended before its child could start")
