"""Where on the board a target is: its section and rows, by the names as people write them."""

from gateway.board import NO_ROUTE, Board
from gateway.model.target import Target

SECTIONS = {"route": "routes", "upstream": "upstreams", "endpoint": "endpoints"}


class Places:
    """The board's names, read again whenever there are more: a name never leaves its row. An endpoint is found as
    UPSTREAM/ADDRESS, and as ADDRESS in every upstream that has it."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._seen: tuple[int, ...] = ()
        self._names: dict[str, dict[str, int]] = {}
        self._rows: dict[Target, list[int]] = {}

    def rows(self, target: Target) -> list[int]:
        """The rows of a target in the section of its kind; none if it has no place, as clients have none."""
        self._read()
        return self._rows.get(target, [])

    def names(self, kind: str) -> dict[str, int]:
        """Row numbers by name, of a kind."""
        self._read()
        return self._names.get(kind, {})

    def _read(self) -> None:
        seen = tuple(self._board.header[f"{section}_used"] for section in SECTIONS.values())
        if seen == self._seen:
            return
        self._seen, self._rows = seen, {}
        self._names = {kind: {name.replace(" ", "/", 1): row for name, row in self._board.names(section).items()
                              if name != NO_ROUTE} for kind, section in SECTIONS.items()}
        for kind, names in self._names.items():
            for name, row in names.items():
                self._add(Target(kind, name), row)
                if kind == "endpoint":
                    self._add(Target(kind, name.partition("/")[2]), row)

    def _add(self, target: Target, row: int) -> None:
        self._rows.setdefault(target, []).append(row)

    def __repr__(self) -> str:
        return f"<Places of {len(self._rows)} targets>"
