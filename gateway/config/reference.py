"""The reference of all settings, `docs/config.md`: a handwritten head, then a table per section, made from them."""

import typing
from typing import Any

from pydantic.fields import FieldInfo

from gateway.config import outline, pending
from gateway.model.kinds import Kind

HEAD = """\
# The config file

A config is one YAML file, or a folder of `*.yaml` files merged by name: each upstream and each route is defined once,
`version` may stand in each file, any other section in one of them. `gateway check FILE` prints every mistake at once,
each with its place and what to write instead, and touches nothing that runs:

    config/gateway.yaml:14:15: routes.list-orders.upstream: there is no upstream ordres; did you mean orders?

`config/gateway.yaml` is a small example, `config/full.yaml` has every key, and `config/gateway.schema.json` lets an
editor complete and check while you type.

How values are written:

| kind | examples | |
|---|---|---|
| duration | `250ms` `10s` `1.5h` | units ns, us, ms, s, m, h; always with one |
| size | `64KiB` `1MiB` `512` | powers of 1024: B, KiB, MiB, GiB, TiB; a plain number is bytes |
| rate | `50/s` `1000/m` `10000/h` | |
| share | `50%` `99.9%` | |
| address | `127.0.0.1:80` `[::1]:80` `unix:/run/x.sock` | |

Scalars are those of YAML 1.2: only `true` and `false` are booleans, so `off`, `on`, `yes` and `no` are texts; `010`
is ten; and a text is taken as written, so that `version: 1.10` is `1.10`. A repeated key, a merge key `<<`, a tag, a
second document, a key without a value and an unknown key are mistakes. Relative paths start at the working directory.

"""

TAIL = """\
## Not yet supported

These keys are reserved for features that have not landed; `gateway check` says so where it finds one.

"""


def text() -> str:
    """The content of the file."""
    tables = "\n".join(_table(path, section) for path, section in outline.sections())
    reserved = "".join(f"- {'.'.join(where) or 'top level'}: {', '.join(f'`{key}`' for key in sorted(keys))}\n"
                       for where, keys in pending.KEYS.items())
    values = "".join(f"- {'.'.join(where)}: {', '.join(f'`{value}`' for value in sorted(found))}\n"
                     for where, found in pending.VALUES.items())
    return f"{HEAD}{tables}\n{TAIL}{reserved}{values}"


def _table(path: str, section: outline.Section) -> str:
    rows = "".join(_row(key, field) for key, field in outline.fields(section).items())
    title = f"`{path}`" if path else "Top level"
    return f"## {title}\n\n{section.__doc__}\n\n| key | write | default | |\n|---|---|---|---|\n{rows}"


def _row(key: str, field: FieldInfo) -> str:
    default = outline.default_of(field)
    shown = "required" if field.is_required() else "" if default is None else f"`{_plain(default)}`"
    description = " ".join(str(field.description).split())
    return f"| `{key}` | {_form(field)} | {shown} | {description} |\n"


def _form(field: FieldInfo) -> str:
    kind = outline.kind_of(field)
    if kind:
        return _written(kind)
    item = outline.item_of(field.annotation)
    if item is None:
        return "section"
    return "mapping of names" if typing.get_origin(field.annotation) is dict else "list"


def _written(kind: Kind) -> str:
    schema = kind.schema
    if kind.form:
        return kind.form
    if "enum" in schema:
        return " ".join(f"`{_plain(word)}`" for word in schema["enum"])
    if "examples" in schema:
        return ", ".join(f"`{example}`" for example in schema["examples"])
    return "`true` or `false`" if schema["type"] == "boolean" else "text"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
