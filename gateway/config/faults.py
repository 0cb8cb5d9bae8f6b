"""What pydantic refused -> Problems in the words of this project, each with its place in the file.

Also `parts`, which keeps of a faulty config what is sound, so that the checks that look at several settings at once
(checks.py) can run on the rest, and one look at the output shows everything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.admin.settings import AdminSettings
from gateway.config import outline, pending, tree
from gateway.config.problems import Problem
from gateway.config.settings import Gateway, Route, Upstream
from gateway.config.tree import Location, Node
from gateway.dataplane.settings import ListenerSettings, UpstreamSettings
from gateway.model import kinds
from gateway.routing.settings import RouteSettings

Model = TypeVar("Model", bound=BaseModel)
ROUNDS = 8  # a setting whose removal uncovers another fault, and so on; then the part is given up


@dataclass(frozen=True, slots=True)
class Parts:
    """The sound parts of a config: listeners and routes by their index in the file, upstreams by name.

    `admin` is the admin address, empty where that is wrong; `faulty` the locations that were refused.
    """

    listeners: dict[int, ListenerSettings] = field(default_factory=dict)
    upstreams: dict[str, UpstreamSettings] = field(default_factory=dict)
    routes: dict[int, RouteSettings] = field(default_factory=dict)
    admin: str = ""
    faulty: tuple[Location, ...] = ()

    def is_sound(self, *location: int | str) -> bool:
        """Nothing at or below this location was refused."""
        return not any(fault[: len(location)] == location for fault in self.faulty)


def validate(root: Node) -> tuple[Gateway | None, Parts, list[Problem]]:
    """The settings (None where anything is wrong), their sound parts, and every problem."""
    data = tree.plain(root)
    try:
        settings = Gateway.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        parts = _sound(data, tuple(tuple(fault["loc"]) for fault in faults))
        return None, parts, [_problem(root, fault) for fault in faults if _tells(root, fault, faults)]
    return settings, _whole(settings), []


def _whole(settings: Gateway) -> Parts:
    listeners, routes = dict(enumerate(settings.listeners)), dict(enumerate(settings.routes))
    return Parts(listeners, settings.upstreams, routes, settings.admin.address)


def _tells(root: Node, fault: Any, faults: list[Any]) -> bool:
    """False for what only follows from another fault: a key missing as its name is misspelt beside it, a list that
    pydantic calls too short as it counts no faulty items."""
    location: Location = tuple(fault["loc"])
    if fault["type"] == "missing":
        return not any(other["type"] == "extra_forbidden" and _meant(other["loc"]) == location for other in faults)
    node = tree.find(root, location)
    return fault["type"] != "too_short" or not (isinstance(node, tree.Sequence) and node.items)


def _meant(location: Location) -> Location:
    """The location of a misspelt key as it was probably meant."""
    return *location[:-1], kinds.closest(str(location[-1]), outline.keys(location[:-1]))


def _problem(root: Node, fault: Any) -> Problem:
    location: Location = tuple(fault["loc"])
    if fault["type"] == "extra_forbidden":
        return _unknown(root, location)
    if fault["type"] == "missing":
        above = location[:-1]
        name = ".".join(part for part in (tree.named(root, above), str(location[-1])) if part)
        return Problem(tree.place(root, above), name, "is required; add it")
    return Problem(tree.place(root, location), tree.named(root, location), _message(root, location, fault))


def _unknown(root: Node, location: Location) -> Problem:
    mark, name = tree.key_place(root, location), tree.named(root, location)
    if pending.is_pending_key(location):
        return Problem(mark, name, pending.MESSAGE)
    known = outline.keys(location[:-1])
    hint = kinds.suggestion(str(location[-1]), known) or f"; known here: {', '.join(known)}"
    return Problem(mark, name, f"unknown key{hint}")


def _message(root: Node, location: Location, fault: Any) -> str:
    node = tree.find(root, location)
    value = tree.plain(node) if node else None
    if isinstance(value, str) and pending.is_pending_value(location, value):
        return f"{value} is {pending.MESSAGE}"
    if node and value is None and fault["type"] != "value_error":
        return "has no value; write one, or remove it"
    match fault["type"]:
        case "value_error":
            return str(fault["ctx"]["error"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a mapping, not {kinds.called(value)}"
        case "list_type" | "tuple_type":
            return f"must be a list, not {kinds.called(value)}"
        case "too_short":
            return "needs at least one item"
    return str(fault["msg"])


def _sound(data: dict[str, Any], faulty: tuple[Location, ...]) -> Parts:
    listeners, upstreams, routes = data.get("listeners"), data.get("upstreams"), data.get("routes")
    return Parts(
        dict(_kept(ListenerSettings, enumerate(listeners) if isinstance(listeners, list) else ())),
        dict(_kept(Upstream, upstreams.items() if isinstance(upstreams, dict) else ())),
        dict(_kept(Route, _named(routes if isinstance(routes, list) else []))),
        admin=_admin_address(data),
        faulty=faulty,
    )


def _admin_address(data: dict[str, Any]) -> str:
    admin = _salvage(AdminSettings, data.get("admin", {}))
    return admin.address if admin else ""


def _named(routes: list[Any]) -> Iterator[tuple[int, Any]]:
    """Routes with a name put in where there is none, so that the rest of the route is looked at."""
    for index, route in enumerate(routes):
        yield index, {"name": "unnamed", **route} if isinstance(route, dict) else route


def _kept(model: type[Model], items: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Model]]:
    for key, item in items:
        part = _salvage(model, item)
        if part is not None:
            yield key, part


def _salvage(model: type[Model], data: Any) -> Model | None:
    """The settings of `data` without what is wrong in it; None where that cannot be cut out."""
    for _ in range(ROUNDS):
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_context=False, include_input=False):
                data = _without(data, _cut(fault))
    return None


def _cut(fault: Any) -> Location:
    """What to leave out: the setting, or its whole section where one is missing; of a list never a single item, as
    the places of the others would move."""
    location = tuple(part for part in fault["loc"] if part != tree.KEY)
    if fault["type"] == "missing":
        location = location[:-1]
    first_index = next((at for at, part in enumerate(location) if isinstance(part, int)), len(location))
    return location[:first_index]


def _without(data: Any, location: Location) -> Any:
    if not location or not isinstance(data, dict) or location[0] not in data:
        return None
    key, below = location[0], data[location[0]]
    rest = {name: value for name, value in data.items() if name != key}
    deeper = len(location) > 1 and isinstance(below, dict) and location[1] in below
    return {**rest, key: _without(below, location[1:])} if deeper else rest
