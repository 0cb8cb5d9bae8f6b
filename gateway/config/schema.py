"""The JSON Schema of the config, for editors: `config/gateway.schema.json`. Made from the settings, never edited."""

import json
from typing import Any

from gateway.config import outline
from gateway.config.settings import Gateway

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document() -> dict[str, Any]:
    """The schema as data. It accepts what `check` accepts, but cannot see what only shows between settings."""
    made = Gateway.model_json_schema()
    definitions = {**made["$defs"], "Gateway": made}
    for _, section in outline.sections():
        _finish(definitions[section.__name__], section)
    return {"$schema": DIALECT, **made, "title": "Safeguard Gateway"}


def text() -> str:
    """The content of the file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _finish(definition: dict[str, Any], section: outline.Section) -> None:
    """Defaults as one writes them; no null, which no key takes; no titles, which only repeat the keys."""
    definition.pop("title", None)
    for key, field in outline.fields(section).items():
        entry = definition["properties"][key]
        for noise in ("title", "default"):
            entry.pop(noise, None)
        if "anyOf" in entry:
            entry["anyOf"] = [choice for choice in _flat(entry["anyOf"]) if choice != {"type": "null"}]
        default = outline.default_of(field)
        if default is not None:
            entry["default"] = default


def _flat(choices: list[Any]) -> list[Any]:
    nested = [_flat(choice["anyOf"]) if set(choice) == {"anyOf"} else [choice] for choice in choices]
    return [choice for group in nested for choice in group]
