"""A breaker that is open says something of an upstream's endpoints. Where a revision puts others in the place of all of
them, as going back from a wrong port does, it says nothing any more, and the breaker is closed.
"""

from gateway import _gates
from gateway.board import Board
from gateway.routing.plan import Plan, Upstream


def close(board: Board, before: Plan, after: Plan, now: int) -> list[str]:
    """The names of the upstreams whose breaker was closed; `now`: monotonic ns. What failed before counts no more."""
    known = {each.name: each for each in before.upstreams}
    names, closed = board.names("upstreams"), []
    for each in after.upstreams:
        control = board.control("upstreams", names[each.name])
        state, generation, _ = _gates.breaker(control["breaker"])
        if state != _gates.BREAKER_CLOSED and each.name in known and not _shared(known[each.name], each):
            control["since_ns"], control["opens"], control["step"] = now, 0, 0
            control["breaker"] = _gates.word_of(_gates.BREAKER_CLOSED, generation + 1, 0)
            closed.append(each.name)
    return closed


def _shared(before: Upstream, after: Upstream) -> set[str]:
    return {each.address for each in before.endpoints} & {each.address for each in after.endpoints}
