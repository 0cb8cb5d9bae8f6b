"""Files beside the config, committed in its git work tree, and nothing else with them.

As in `git`, nothing of the repository is run: no hook, no filter program, no signing. So the blobs are made as they
are, in an index of our own; what somebody has staged or not saved stays as it was, and their index has the files too.
"""

import os
import tempfile
from pathlib import Path

from gateway.config import git

WHO = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER")
       for name, value in (("NAME", "Safeguard Gateway"), ("EMAIL", "safeguard-gateway@localhost"))}


class NotCommitted(Exception):
    """The message says why; the files may be written."""


def commit(folder: Path, names: list[str], message: str) -> str:
    """`names`: of files that are there, below the folder. Returns the commit; empty where HEAD has them like that.

    Raises NotCommitted.
    """
    prefix = _done(folder, "rev-parse", "--show-prefix").strip()
    head = _done(folder, "rev-parse", "--verify", "HEAD").strip()
    entries = [f"100644,{_done(folder, 'hash-object', '-w', '--no-filters', '--', name).strip()},{prefix}{name}"
               for name in names]
    added = [part for each in entries for part in ("--cacheinfo", each)]
    with tempfile.TemporaryDirectory() as scratch:
        own = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        _done(folder, "read-tree", "HEAD", **own)
        _done(folder, "update-index", "--add", *added, **own)
        tree = _done(folder, "write-tree", **own).strip()
    if tree == _done(folder, "rev-parse", "HEAD^{tree}").strip():
        return ""
    made = _done(folder, "commit-tree", tree, "-p", head, "-m", message, **WHO).strip()
    _done(folder, "update-ref", "-m", "commit by safeguard-gateway", "HEAD", made, head, **WHO)
    _done(folder, "update-index", "--add", *added)
    return made


def _done(folder: Path, *arguments: str, **environment: str) -> str:
    said = git.run(folder, *arguments, **environment)
    if said is None:
        raise NotCommitted(f"git {arguments[0]} failed in {folder}: it must be in a git work tree that has a "
                           "commit, and that the gateway may write")
    return said
