"""A config file or folder -> the plan, or every mistake in it at once.

    files.read      YAML -> one tree with places          (source, scalars, tree)
    faults.validate tree -> settings, or what is wrong    (each room's settings, pending)
    checks.check    what only shows between settings
    compile         settings -> plan

Nothing live is touched: this reads files and answers.
"""

from os import PathLike
from pathlib import Path

from gateway.config import checks, faults, files
from gateway.config import compile as compiling
from gateway.config.problems import ConfigError, Problem
from gateway.config.settings import Gateway
from gateway.config.tree import Mapping
from gateway.routing.plan import Plan


def load(path: str | PathLike[str]) -> Plan:
    """The plan of a config file or folder. Raises ConfigError with all problems, in the order of the files."""
    return compiling.compile_plan(read(path))


def plan_of(documents: files.Documents) -> Plan:
    """The plan of texts that were gathered before. Raises ConfigError as `load`."""
    return compiling.compile_plan(_settings(*files.parse(documents)))


def read(path: str | PathLike[str]) -> Gateway:
    """The settings as written, defaults filled in, after every check. Raises ConfigError as `load`."""
    return _settings(*files.read(Path(path)))


def _settings(root: Mapping, problems: list[Problem]) -> Gateway:
    if problems and not root.entries:
        raise ConfigError(problems)
    settings, parts, found = faults.validate(root)
    problems = problems + found + checks.check(root, parts)
    if problems or settings is None:
        raise ConfigError(problems)
    return settings
