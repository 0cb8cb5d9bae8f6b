"""What git knows of a config file: its commit, that commit's author, and whether the file differs from it.

The work tree may belong to somebody else and is not trusted: no hook, filter program, file-system monitor or setting of
the repository is run or obeyed beyond what reading needs; no lock is taken; and git has GIT_SECONDS, then it is as if
there were no git.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

GIT_SECONDS = 2.0
# Settings by which a repository could have git run a program of its choice while we only read.
NOTHING_RUNS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "diff.external=", "core.pager=cat",
                "log.showSignature=false", "safe.directory=*")
FIELD = "\x1f"


@dataclass(frozen=True, slots=True)
class GitFacts:
    """`commit` is HEAD, in full; `author` is `name <email>` of the last commit that changed the file."""

    commit: str = ""
    author: str = ""
    dirty: bool = False


NONE = GitFacts()


def facts(path: Path) -> GitFacts:
    """Of a config file or folder; empty where there is no git, no work tree, or no commit of the file."""
    real = path.resolve()
    folder = real if real.is_dir() else real.parent
    last = run(folder, "log", "-1", f"--format=%H{FIELD}%an <%ae>", "--", str(real))
    if not last or FIELD not in last:
        return NONE
    head = run(folder, "rev-parse", "--verify", "HEAD")
    commit, author = last.strip().split(FIELD, 1)
    return GitFacts((head or commit).strip(), _printable(author), _is_dirty(folder, real))


def _is_dirty(folder: Path, path: Path) -> bool:
    """By content: what stands in the file against HEAD. Asked raw, as a filter would be a program of the repository."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*.y*ml") if each.is_file())
    return any(_differs(folder, file) for file in files)


def _differs(folder: Path, file: Path) -> bool:
    committed = run(file.parent, "rev-parse", "--verify", f"HEAD:./{file.name}")
    written = run(folder, "hash-object", "--no-filters", "--", str(file))
    return committed is None or committed != written


def run(folder: Path, *arguments: str, **more: str) -> str | None:
    """The output of a git command; None where it failed, is absent or took too long. `more`: of its environment."""
    settings = [part for setting in NOTHING_RUNS for part in ("-c", setting)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0",
                   "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C", **more}
    try:
        done = subprocess.run(  # noqa: S603  a fixed command; the path is an argument after `--`
            ["git", *settings, "-C", str(folder), *arguments],  # noqa: S607  git of the PATH, as the user has it
            capture_output=True, timeout=GIT_SECONDS, check=False, env=environment, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def _printable(text: str) -> str:
    """A name is whatever somebody put in a commit; it goes to terminals."""
    return "".join(char if char.isprintable() else "?" for char in text)[:200]
