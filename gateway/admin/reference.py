"""`docs/api.md`, made of the OpenAPI document."""

from typing import Any

from gateway.admin import openapi

HEAD = """\
# The admin API, operation by operation

Made of the OpenAPI document by `python -m gateway.cli.generate`; the document itself, with every schema, is at
`/v1/openapi.json`. How it behaves: [admin-api.md](admin-api.md). A name with a star may not be left out. Each may
also answer 401, 403, 429 and 503; one that takes a body 400, 408, 413, 415 and 507.

| operation | | role | takes | answers |
|---|---|---|---|---|
"""
USUAL = {str(status) for status in (*openapi.OF_ANY, *openapi.OF_A_BODY)}


def text() -> str:
    document = openapi.document()
    return HEAD + "".join(_row(document, method, path, told) for path, methods in document["paths"].items()
                          for method, told in methods.items())


def _row(document: dict[str, Any], method: str, path: str, told: dict[str, Any]) -> str:
    role = "open" if told.get("security") == [] else told["description"].removeprefix("Takes the role ").rstrip(".")
    query = [each["name"] for each in told.get("parameters", []) if each["in"] != "path"]
    takes = [f"`?{name}`" if name[0].islower() else f"`{name}:`" for name in query] + _fields(document, told)
    answers = [status for status in told["responses"] if status not in USUAL]
    return (f"| `{method.upper()} {path}` | {told['summary']} | {role} | {' '.join(takes)} | {', '.join(answers)} |\n")


def _fields(document: dict[str, Any], told: dict[str, Any]) -> list[str]:
    if "requestBody" not in told:
        return []
    name = told["requestBody"]["content"][openapi.JSON]["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]
    return [f"`{each}`{'*' if each in schema.get('required', ()) else ''}" for each in schema.get("properties", {})]
