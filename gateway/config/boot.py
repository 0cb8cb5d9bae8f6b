"""What to serve at the start: the config's file, or the revision that was served last.

- the file loads and is new: it is the next revision; the same as before: its number goes on;
- what stands in the file was rolled back or superseded by `apply`: the active revision goes on (drift);
- the file does not load: the active revision goes on, loudly; without one the gateway cannot start.
"""

import dataclasses
from pathlib import Path
from typing import Any

from gateway.config import compile_public, files, revisions, tree
from gateway.record.active import Active, ActiveFile
from gateway.routing.plan import Plan

DEFAULT_STATE = "./state"


def overridden(plan: Plan, options: dict[str, Any]) -> Plan:
    """The plan with what the command line says instead: `listen` moves the first listener and is then the only one."""
    given = {name: value for name, value in options.items() if value is not None}
    if (listen := given.pop("listen", None)) is not None:
        given["listeners"] = (dataclasses.replace(plan.listeners[0], address=listen),)
    return compile_public.in_its_folder(dataclasses.replace(plan, **given))


def first(candidate: revisions.Candidate, last: Active | None, at_ns: int) -> Active:
    """What is served from now on, given what loaded and what was served last."""
    if last is None:
        return Active(revisions.revision(1, candidate, at_ns=at_ns, how="boot", who="file"))
    if last.set_aside and candidate.content == last.set_aside:
        return last
    if (candidate.content, candidate.plan.digest) == (last.revision.content, last.revision.digest):
        return Active(last.revision, beside=last.beside, share=last.share)
    number = last.revision.number + 1
    return Active(revisions.revision(number, candidate, at_ns=at_ns, how="boot", who="file", before=last.revision))


def last_good(last: Active, options: dict[str, Any]) -> Active:
    """The active revision under this start's options. Raises ValueError, KeyError or TypeError if it is unreadable."""
    plan = overridden(last.plan, options)
    revision = dataclasses.replace(last.revision, plan=plan.to_json(), digest=plan.digest)
    return dataclasses.replace(last, revision=revision)


def read_last(folder: Path) -> Active | None:
    """None where there is none, or none that this version can read."""
    try:
        active = ActiveFile(folder).read()
        return active if active.plan else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state_folder(path: Path) -> str:
    """The `state.dir` of a config that does not load, as far as it can be read."""
    root, _ = files.read(path)
    node = tree.find(root, ("state", "dir"))
    return str(node.value) if isinstance(node, tree.Leaf) and node.value else DEFAULT_STATE
