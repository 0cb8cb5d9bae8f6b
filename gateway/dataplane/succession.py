"""From one plan to the next in a running worker: what lives on, what is made, what retires.

A plan that is to serve *beside* another one shares with it only the upstreams that are wholly alike.
An upstream whose settings are unchanged but for its endpoints keeps its group, and each unchanged endpoint its object,
with its connections. Everything that can fail is done in `prepare`; `commit` only assigns, within one turn of the
event loop, so that no request sees half of it.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.board import WorkerBoard
from gateway.dataplane.pool import Endpoint, UpstreamGroup
from gateway.dataplane.routes import RoutePlan
from gateway.routing.plan import Upstream


@dataclass(frozen=True, slots=True)
class Prepared:
    """The next RoutePlan, and the endpoints that each of its groups is to have. `beside`: the one that is served goes
    on, for a part of the clients."""

    routes: RoutePlan
    endpoints: dict[str, tuple[Endpoint, ...]]
    board: WorkerBoard                                  # which knows all its names
    beside: bool = False


def group_of(after: Upstream, serving: Iterable[RoutePlan], *, beside: bool) -> tuple[UpstreamGroup, Upstream] | None:
    """The group, and the upstream it was made for, that serves an upstream of the next plan too; of `serving` plans,
    the latest first."""
    made = [(each.groups[before.name], before) for each in serving for before in each.plan.upstreams
            if before.name == after.name]
    alike = next(((group, before) for group, before in made if before == after), None)
    if alike or beside:
        return alike
    return next(((group, before) for group, before in made[:1] if lives_on(before, after)), None)


def lives_on(before: Upstream, after: Upstream) -> bool:
    """Whether the group of an upstream serves the next plan too: all is the same but its endpoints."""
    return dataclasses.replace(before, endpoints=()) == dataclasses.replace(after, endpoints=())


def kept(group: UpstreamGroup, before: Upstream, after: Upstream) -> dict[int, Endpoint]:
    """The endpoints of a group that lives on which the next plan has unchanged, by their index in the next plan."""
    living = dict(zip(before.endpoints, group.endpoints, strict=True))
    return {index: living[each] for index, each in enumerate(after.endpoints) if each in living}


def commit(prepared: Prepared) -> None:
    """Give the groups their endpoints; the caller assigns the RoutePlan in the same turn."""
    for name, endpoints in prepared.endpoints.items():
        prepared.routes.groups[name].set_endpoints(endpoints)
