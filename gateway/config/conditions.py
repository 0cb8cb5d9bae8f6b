"""Conditions in CEL, the Common Expression Language: what must hold for a part of a config.

A condition sees `it` (the part), `name` (its name, empty where it has none) and `config` (the whole). It cannot loop
for ever, call out or change anything; what it names is checked when it is compiled, and a field that is missing when it
is asked is an error, never true.
"""

from typing import Any

from cel_expr_python import cel

TEXT_MOST = 4_000
VARIABLES = {"it": cel.Type.DYN, "name": cel.Type.STRING, "config": cel.Type.DYN}
ENVIRONMENT = cel.NewEnv(variables=VARIABLES)


class Condition:
    """Raises ValueError on a text that is no condition."""

    def __init__(self, text: str) -> None:
        if len(text) > TEXT_MOST:
            raise ValueError(f"is longer than {TEXT_MOST} characters; make several rules of it")
        self.text = text
        try:
            self._compiled = ENVIRONMENT.compile(text)
        except RuntimeError as error:
            raise ValueError(f"is no CEL condition: {_told(str(error))}") from None
        kind = self._compiled.return_type().name()
        if kind not in ("bool", "BOOL", "dyn", "DYN"):
            raise ValueError(f"must be true or false, not {kind.lower()}")

    def holds(self, it: Any, name: str, config: Any) -> bool:
        """Raises ValueError where it cannot be decided."""
        found = self._compiled.eval(data={"it": it, "name": name, "config": config})
        value = found.value()
        if isinstance(value, bool):
            return value
        raise ValueError(_told(str(value)))

    def __repr__(self) -> str:
        return f"<Condition {self.text}>"


def _told(text: str) -> str:
    """The library's first line, without its codes and drawings."""
    first = text.partition("\n")[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ")
    return first.removeprefix("NOT_FOUND: ").removeprefix("<input>:").removesuffix(" [INVALID_ARGUMENT]")
