"""The file `faults` in the state folder: the injections that stand, whole at every moment.

Workers read it when the board's word `faults` has moved. A fault that is left over from another boot means nothing: the
word of a new board is 0.
"""

import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path

from gateway.model.injection import Injection, InjectionKind

NAME = "faults"


class InjectionFile:
    """One process writes it, control."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def write(self, standing: Iterable[Injection]) -> None:
        """Raises OSError."""
        fresh = self.path.with_suffix(".new")
        with open(fresh, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            json.dump([dataclasses.asdict(each) for each in standing], file)
        fresh.rename(self.path)

    def read(self) -> list[Injection]:
        """Raises OSError or ValueError."""
        try:
            return [Injection(**each | {"kind": InjectionKind(each["kind"])})
                    for each in json.loads(self.path.read_text())]
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a file of faults: {error}") from None

    def __repr__(self) -> str:
        return f"<InjectionFile {self.path}>"
