"""Settings as one would write them: texts with units, keys as in the file. What drafts of rules and changes look at."""

from typing import Any

from pydantic import BaseModel


def whole(settings: BaseModel) -> dict[str, Any]:
    """With every default; a section that is left out is not there."""
    return settings.model_dump(mode="json", by_alias=True, exclude_none=True)


def short(settings: BaseModel) -> dict[str, Any]:
    """Without what is as it would be anyway."""
    return settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
