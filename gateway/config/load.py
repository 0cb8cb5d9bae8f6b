"""A config file or folder -> the plan, or every mistake in it at once.

    files.read      YAML -> one tree with places          (source, scalars, tree)
    faults.validate tree -> settings, or what is wrong    (each room's settings, pending)
    checks.check    what only shows between settings
    rules.check     what this installation has learned to refuse
    compile         settings -> plan

Nothing live is touched: this reads files and answers.
"""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from gateway.config import checks, faults, files, rules
from gateway.config import compile as compiling
from gateway.config.problems import ConfigError, Problem
from gateway.config.rules import Rule
from gateway.config.settings import Gateway
from gateway.config.tree import Mapping
from gateway.routing.plan import Plan


def load(path: str | PathLike[str]) -> Plan:
    """The plan of a config file or folder, under the rules beside it. Raises ConfigError with all problems, in the
    order of the files."""
    return compiling.compile_plan(read(path))


def plan_of(documents: files.Documents, obeying: Sequence[Rule] = ()) -> Plan:
    """The plan of texts that were gathered before. Raises ConfigError as `load`."""
    return compiling.compile_plan(settings_of(documents, obeying))


def settings_of(documents: files.Documents, obeying: Sequence[Rule] = ()) -> Gateway:
    """The same before it is compiled."""
    return _settings(*files.parse(documents), obeying)


def read(path: str | PathLike[str]) -> Gateway:
    """The settings as written, defaults filled in, after every check. Raises ConfigError as `load`."""
    return _settings(*files.read(Path(path)), rules.beside(Path(path)))


def _settings(root: Mapping, problems: list[Problem], obeying: Sequence[Rule] = ()) -> Gateway:
    if problems and not root.entries:
        raise ConfigError(problems)
    settings, parts, found = faults.validate(root)
    problems = problems + found + checks.check(root, parts)
    if problems or settings is None:
        raise ConfigError(problems)
    if refused := rules.check(obeying, root, settings):
        raise ConfigError(refused)
    return settings
