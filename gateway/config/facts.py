"""A config as the conditions of rules see it: keys as they are written, defaults filled in, quantities comparable.

Durations are seconds (`2.0`), shares fractions (`0.5`), rates requests per second, sizes bytes; `off` is zero. A
section that is left out is absent, so that `has(it.breaker)` tells.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config import outline
from gateway.model.quantities import PERCENT, Rate
from gateway.model.safeguards import SECOND


def facts(settings: BaseModel) -> dict[str, Any]:
    """Of a section, and all below it."""
    found = {}
    for key, field in outline.fields(type(settings)).items():
        name = next(name for name, each in type(settings).model_fields.items() if each is field)
        value = _plain(getattr(settings, name), field)
        if value is not None:
            found[key] = value
    return found


def _plain(value: Any, field: FieldInfo | None) -> Any:
    if isinstance(value, BaseModel):
        return facts(value)
    if isinstance(value, dict):
        return {str(key): _plain(each, None) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each, None) for each in value]
    if isinstance(value, Rate):
        return value.count * SECOND / value.period
    kind = outline.kind_of(field) if field is not None else None
    return _quantity(value, kind.form if kind else "")


def _quantity(value: Any, form: str) -> Any:
    if form.startswith("duration"):
        return value / SECOND
    return value / (100 * PERCENT) if form.startswith("share") else value
