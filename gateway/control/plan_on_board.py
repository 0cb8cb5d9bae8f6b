"""What a plan has on the board: a row for each of its names, and the parameters that the tick obeys.

Of two plans that serve side by side each upstream that both have keeps the older one's parameters, with the endpoints
of both: what only the newer plan changes of breaker, ejection and health checks begins with the last step.
"""

from gateway.board import Board, params
from gateway.model.safeguards import WHOLE
from gateway.record.active import Active
from gateway.routing import side_by_side
from gateway.routing.plan import Plan

ALL_LOTS = 2**32


def name_rows(board: Board, plan: Plan, generation: int) -> None:
    """Raises BoardFullError."""
    endpoints = [(upstream.name, each.address) for upstream in plan.upstreams for each in upstream.endpoints]
    board.name_rows([route.name for route in plan.routes], endpoints, generation,
                    upstreams=[upstream.name for upstream in plan.upstreams],
                    limits=[(route.name, limit.name) for route in plan.routes for limit in route.limits])


def name_spare_rows(board: Board, rest: Plan, plan: Plan, generation: int) -> None:
    """For a plan beside another one, which serves the rest of the clients. Raises BoardFullError."""
    board.name_rows((), (), generation, limits=side_by_side.spare(side_by_side.limits(rest, plan)))


def write_upstreams(board: Board, plan: Plan, rest: Plan | None = None) -> None:
    """`rest`: the older plan that serves beside it."""
    before = {each.name: each for each in rest.upstreams} if rest else {}
    for upstream in plan.upstreams:
        ruling = before.get(upstream.name, upstream)
        addresses = dict.fromkeys(each.address for each in (*ruling.endpoints, *upstream.endpoints))
        params.write_upstream(board, upstream.name, list(addresses), ruling.breaker, ruling.eject, ruling.health)


def say_what_is_served(board: Board, active: Active) -> None:
    """The words that workers follow. Clients that a withdrawn revision has lost must not get it back for a moment: so
    `share` is only written for a plan that has another one beside it, and `beside` is cleared last."""
    header = board.header
    header["digest"] = int(active.revision.digest[:16], 16)
    if active.is_divided:
        header["share"], header["beside"] = lots(active.share), active.beside
    header["generation"] = active.revision.number
    if not active.is_divided:
        header["beside"] = 0


def withdraw(board: Board) -> None:
    """At once: every client has the older plan again."""
    board.header["share"] = 0


def lots(share: int) -> int:
    """Of 2^32, a share in millionths."""
    return share * ALL_LOTS // WHOLE
