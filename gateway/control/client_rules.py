"""The board's bounded table of clients: who is isolated or clamped, by the keyed hash of the client's address.

A reader walks the first `clients_used` rows and takes the one with its hash, so a rule stays in its row as long as it
stands: moved, it could be missed by the one that walks meanwhile. A row that has become free is filled first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.board import Board

FREE = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Two pairs, each in force until its time on the monotonic clock; `clamp_ns`: the distance between requests."""

    isolated_until: int = 0
    isolation: int = 0
    clamp_ns: int = 0
    clamp_until: int = 0


def write(board: Board, wanted: Mapping[int, Rule]) -> None:
    """Make the table hold these rules, by client hash. Raises ValueError if they are more than it has room for."""
    if len(wanted) > board.header["clients"]:
        raise ValueError(f"the board has room for {board.header['clients']} rules on clients, not {len(wanted)}")
    rows = {board.client_rule(row)["hash"]: row for row in range(board.header["clients_used"])}
    rows.pop(FREE, None)
    for client in rows.keys() - wanted.keys():
        _free(board, rows.pop(client))
    taken = set(rows.values())
    free = (row for row in range(board.header["clients"]) if row not in taken)
    for client, rule in wanted.items():
        if client in rows:
            _fill(board, rows[client], client, rule)
        else:
            rows[client] = next(free)
            _fill(board, rows[client], client, rule)
    board.header["clients_used"] = max(rows.values(), default=-1) + 1


def _free(board: Board, row: int) -> None:
    """Out of force first, so that no reader takes the rule for that of another client."""
    entry = board.client_rule(row)
    entry["isolated_until"] = entry["clamp_until"] = 0
    entry["hash"] = FREE


def _fill(board: Board, row: int, client: int, rule: Rule) -> None:
    entry = board.client_rule(row)
    entry["hash"] = client
    for field, until in (("isolation", "isolated_until"), ("clamp_ns", "clamp_until")):
        entry[field] = getattr(rule, field)
        entry[until] = getattr(rule, until)
