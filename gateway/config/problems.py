"""A Problem: one mistake in a config, where it is and what to write instead.

Everything that can be wrong with a config is collected as Problems and shown at once; ConfigError carries them to
whoever asked for a plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; `line` and `column` count from 1, 0 where there is no such place (an unreadable file)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`path` names the setting, such as routes.list-orders.timeout; empty for a fault of the file as a whole."""

    mark: Mark
    path: str
    message: str

    def __str__(self) -> str:
        named = f"{self.path}: " if self.path else ""
        return _one_line(f"{self.mark}: {named}{self.message}")

    def snapshot(self) -> dict[str, object]:
        """For machines: file, line, column, path, message."""
        return {"file": self.mark.file, "line": self.mark.line, "column": self.mark.column,
                "path": self.path, "message": self.message}


class ConfigError(Exception):
    """The config is refused; `problems` says why, in the order of the files. `str()` has one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def _one_line(text: str) -> str:
    """A problem is one line of a terminal or log, whatever stood in the file or in its name."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
