"""Validation rules: what this installation's configs must never say, learned from its incidents. One YAML file each, in
`rules/` beside the config:

    name: incident-7-orders-endpoints
    incident: 7
    selector: upstreams.orders          # config | upstreams.NAME | routes.NAME | listeners.*, where NAME may be *
    at: endpoints                       # where a refusal points, below what is selected
    condition: '!it.endpoints.exists(e, e.address == "127.0.0.1:9002")'
    message: sends orders to a server that is not theirs
    tests:
      pass: [{endpoints: ["127.0.0.1:9001"]}]
      refuse: [{endpoints: ["127.0.0.1:9002"]}]

The condition must hold for every part that the selector finds. Its tests run with every check: a rule that does not do
what it says refuses every config, loudly, until it is repaired.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from gateway.config import facts, files, tree
from gateway.config.conditions import Condition
from gateway.config.problems import ConfigError, Mark, Problem
from gateway.config.settings import Gateway, Route, Upstream
from gateway.config.tree import Location, Mapping
from gateway.dataplane.settings import ListenerSettings
from gateway.model import kinds

FOLDER = "rules"
WHOLE, ANY = "config", "*"
PARTS: dict[str, Any] = {"upstreams": Upstream, "routes": Route, "listeners": ListenerSettings}
EXAMPLE = "example"


def selector(text: str) -> str:
    section, _, name = text.partition(".")
    if text == WHOLE or (section in PARTS and name):
        return text
    raise ValueError(f"{text[:80]!r} selects nothing; write {WHOLE}, listeners.{ANY}, or upstreams.NAME or "
                     f"routes.NAME, where NAME may be {ANY}")


class RuleTests(kinds.Settings):
    """Examples of the part that the rule is about, as one writes it in a config."""

    pass_: tuple[Any, ...] = Field(default=(), alias="pass")
    refuse: Annotated[tuple[Any, ...], Field(min_length=1)]


class RuleSettings(kinds.Settings):
    """One file."""

    name: kinds.Name
    incident: Annotated[int, kinds.number(0, 2**53)] = 0
    selector: Annotated[str, kinds.words(selector)]
    at: kinds.Text = ""
    condition: kinds.Text
    message: kinds.Text
    tests: RuleTests


@dataclass(frozen=True, slots=True)
class Rule:
    """`mark`: where it is written; `file`: its tree, for problems of its own."""

    settings: RuleSettings
    condition: Condition
    file: Mapping

    @property
    def because(self) -> str:
        incident = f", incident {self.settings.incident}" if self.settings.incident else ""
        return f"{self.settings.message} (rule {self.settings.name}{incident})"


def beside(config: Path | None) -> tuple[Rule, ...]:
    """The rules of a config file or folder. Raises ConfigError where one cannot be read, or does not do what it says.
    """
    if config is None:
        return ()
    folder = (config if config.is_dir() else config.parent) / FOLDER
    return of_documents(files.gather(folder)) if folder.is_dir() and files.inside(folder) else ()


def of_documents(documents: files.Documents) -> tuple[Rule, ...]:
    """Raises ConfigError with all that is wrong with them."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for name, data in documents.items():
        root, found = files.parse({name: data})
        try:
            rules.append(_read(root, found))
        except ConfigError as error:
            problems += error.problems
    problems += [problem for rule in rules for problem in untrue(rule)]
    if problems:
        raise ConfigError(problems)
    return tuple(rules)


def _read(root: Mapping, problems: list[Problem]) -> Rule:
    if problems:
        raise ConfigError(problems)
    try:
        settings = RuleSettings.model_validate(tree.plain(root))
        return Rule(settings, Condition(settings.condition), root)
    except ValidationError as error:
        raise ConfigError(_located(root, each) for each in error.errors(include_url=False)) from None
    except ValueError as error:
        raise ConfigError([Problem(tree.place(root, ("condition",)), "condition", str(error))]) from None


def _located(root: Mapping, fault: Any) -> Problem:
    location: Location = tuple("pass" if part == "pass_" else part for part in fault["loc"])
    if fault["type"] == "missing":
        return Problem(tree.place(root, location[:-1]), str(location[-1]), "is required; add it")
    if fault["type"] == "extra_forbidden":
        known = ", ".join((*RuleSettings.model_fields, "pass", "refuse"))
        return Problem(tree.key_place(root, location), tree.named(root, location), f"unknown key; known here: {known}")
    message = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else str(fault["msg"])
    return Problem(tree.place(root, location), tree.named(root, location), message)


# What they say of a config

def check(rules: Sequence[Rule], root: Mapping, settings: Gateway) -> list[Problem]:
    """What the rules refuse in a config that is otherwise sound."""
    if not rules:
        return []
    config = facts.facts(settings)
    return [problem for rule in rules for problem in _refusals(rule, root, config)]


def _refusals(rule: Rule, root: Mapping, config: dict[str, Any]) -> Iterator[Problem]:
    for location, name, part in _selected(rule.settings.selector, config):
        if why := _broken(rule, part, name, config):
            at: Location = (*location, *filter(None, rule.settings.at.split(".")))
            yield Problem(tree.place(root, at) if at else Mark(root.mark.file, 1, 1), tree.named(root, at), why)


def _selected(text: str, config: dict[str, Any]) -> Iterator[tuple[Location, str, Any]]:
    """Location in the file, name, facts."""
    section, _, wanted = text.partition(".")
    if text == WHOLE:
        yield (), "", config
        return
    parts = config[section]
    items = parts.items() if isinstance(parts, dict) else enumerate(parts)
    for key, part in items:
        name = str(key) if isinstance(key, str) else str(part.get("name", ""))
        if wanted in (ANY, name):
            yield (section, key), name, part


def _broken(rule: Rule, part: Any, name: str, config: Any) -> str:
    """Why it is refused, empty where it is not."""
    try:
        return "" if rule.condition.holds(part, name, config) else rule.because
    except ValueError as error:
        return f"cannot be decided: {error}; {rule.because}"


# What they say of themselves

def untrue(rule: Rule) -> Iterator[Problem]:
    """Where its own tests say otherwise than it does."""
    for kind, examples, wanted in (("pass", rule.settings.tests.pass_, False), ("refuse", rule.settings.tests.refuse,
                                                                               True)):
        for index, example in enumerate(examples):
            location: Location = ("tests", kind, index)
            said = _tested(rule, example)
            if said is None:
                words = f"is no {rule.settings.selector.partition('.')[0].removesuffix('s')} that could be written"
            elif bool(said) is wanted:
                continue
            else:
                words = "is not refused, but should be" if wanted else f"should pass, but is refused: {said}"
            yield Problem(tree.place(rule.file, location), tree.named(rule.file, location), words)


def _tested(rule: Rule, example: Any) -> str | None:
    """Why the example is refused, empty where it passes; None for one that is no part of a config."""
    section, _, name = rule.settings.selector.partition(".")
    name = EXAMPLE if name == ANY else name
    try:
        if rule.settings.selector == WHOLE:
            whole = facts.facts(Gateway.model_validate(example))
            return _broken(rule, whole, "", whole)
        given = {"name": name, **example} if section == "routes" and isinstance(example, dict) else example
        part = facts.facts(TypeAdapter(PARTS[section]).validate_python(given))
    except ValidationError:
        return None
    return _broken(rule, part, name, {section: {name: part} if section == "upstreams" else [part]})
