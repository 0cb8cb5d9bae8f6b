"""What a user writes about an answer that the gateway gives by itself: used by routes that answer, and by fallbacks."""

import json
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.model import kinds
from gateway.model.kinds import Settings


def unlike(edits: dict[str, str]) -> dict[str, str]:
    """Header names are the same whatever their case, so the YAML reader cannot see this repetition."""
    seen: dict[str, str] = {}
    for name in edits:
        if name.lower() in seen:
            raise ValueError(f"{name} and {seen[name.lower()]} are the same header; keep one")
        seen[name.lower()] = name
    return edits


AnswerHeaders = Annotated[dict[kinds.AnswerField, kinds.FieldValue], AfterValidator(unlike)]


def json_text(value: Any) -> str:
    """A YAML value as JSON text. Raises ValueError on infinities and not-a-number, which JSON does not have."""
    try:
        return json.dumps(_resolved(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise ValueError("JSON has no infinity and no not-a-number; write a number, or a text in quotes") from None


def _resolved(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _resolved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    return kinds.resolved(value)


Json = kinds.Kind(json_text, form="any value")


class AnswerSettings(Settings):
    """Answer directly."""

    MAY_BE_NULL = frozenset({"json_"})
    status: Annotated[int, kinds.number(200, 599)] = 200
    """The status code."""
    headers: AnswerHeaders = Field(default_factory=dict)
    """Headers of the answer."""
    body: kinds.Text = ""
    """The body as text (UTF-8)."""
    json_: Annotated[Any, Json] = Field(default=None, alias="json")
    """The body as a JSON value, instead of `body`."""

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.body and self.json_ is not None:
            raise ValueError("body and json are both given; keep one")
        if self.status in (204, 205, 304) and (self.body or self.json_ is not None):
            raise ValueError(f"a {self.status} answer has no body; remove it or choose another status")
        return self
