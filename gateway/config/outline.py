"""The outline of the config, read off the settings: which sections there are and which keys each may have.

Suggestions for a misspelt key, the JSON Schema and the reference are all made from it, so none can go stale.
"""

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.settings import Gateway
from gateway.config.tree import Location
from gateway.model.kinds import Kind

Section = type[BaseModel]


def fields(section: Section) -> dict[str, FieldInfo]:
    """The section's fields by the key that a user writes."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def keys(location: Location) -> list[str]:
    """What may be written in the section at this location; nothing where that is no section."""
    kind: Any = Gateway
    for part in location:
        kind = _below(kind, part)
    section = section_in(kind)
    return list(fields(section)) if section else []


def sections(path: str = "", section: Section = Gateway) -> Iterator[tuple[str, Section]]:
    """Every section, top down, with its path: `listeners[].timeouts`, `upstreams.NAME.pool`."""
    yield path, section
    for key, field in fields(section).items():
        below, mark = _nested(field.annotation)
        if below:
            yield from sections(f"{path}.{key}{mark}".removeprefix("."), below)


def section_in(kind: Any) -> Section | None:
    """The settings class in an annotation such as `X`, `X | None` or `Annotated[X, …]`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if typing.get_origin(kind) in (typing.Annotated, typing.Union, types.UnionType):
        return next((found for part in typing.get_args(kind) if (found := section_in(part))), None)
    return None


def item_of(kind: Any) -> Any:
    """What a `tuple[X, ...]` or `dict[str, X]` holds, None where it is neither."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return arguments[0]
    return arguments[1] if typing.get_origin(kind) is dict else None


def kind_of(field: FieldInfo) -> Kind | None:
    """How a single value of this field is written, None for sections, lists and mappings."""
    return next((extra for extra in field.metadata if isinstance(extra, Kind)), None)


def default_of(field: FieldInfo) -> Any:
    """The default as one would write it, None where there is none to show."""
    kind = kind_of(field)
    if field.is_required() or kind is None or field.default in ("", None):
        return None
    return kind.show(field.default)


def _below(kind: Any, part: int | str) -> Any:
    section = section_in(kind)
    if section is None:
        return item_of(kind)
    field = fields(section).get(str(part))
    return field.annotation if field else None


def _nested(kind: Any) -> tuple[Section | None, str]:
    """The section in a field, and how its path goes on: `[]` in a list, `.NAME` in a mapping."""
    item = item_of(kind)
    if item is None:
        return section_in(kind), ""
    return section_in(item), "[]" if typing.get_origin(kind) is tuple else ".NAME"
