"""The three acts: what is done to the gateway, how far its incident must be for the next thing to be done, and what
people who look at it afterwards write down. Nothing here knows how the gateway works.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.cli.asking import ask
from gateway.cli.drills.traffic import Flow, Traffic
from gateway.cli.story.stage import Stage

SURGE_RATE = 150.0
SURGING_CLIENT = "127.0.0.2"
WRONG_PORT = 1
CUSTOMERS = "  customers:\n    endpoints: ["


@dataclass(frozen=True, slots=True)
class Act:
    """`begin` does it, once `until` is reached by its incident `end` undoes it (the gateway undoes what it can itself).
    `about`: which of the scopes of an incident says that it is this one's. `lesson`, `verify`: for its review."""

    title: str
    told: str
    ended: str
    about: str
    until: str
    begin: Callable[[Stage, Traffic], None]
    end: Callable[[Stage, Traffic], None]
    lesson: str
    verify: str


def _surge(stage: Stage) -> Flow:
    return Flow(f"{stage.base}/search/tea", SURGE_RATE, SURGING_CLIENT)


def _nothing(stage: Stage, traffic: Traffic) -> None:
    """The gateway has undone it."""


def _apply_wrong_ports(stage: Stage, traffic: Traffic) -> None:
    """As a person would who edits the file and applies it."""
    before, mark, rest = stage.config.read_text().partition(CUSTOMERS)
    text = f"{before}{mark}127.0.0.1:{WRONG_PORT}{rest[rest.index(']'):]}"
    ask(stage.admin, "/v1/config", {"documents": {"gateway.yaml": text}, "actor": "demo",
                                    "reason": "customers moves to another port"})


ACTS = (
    Act("a bad endpoint", "one of the three servers answers /orders with 500", "the server is repaired",
        "orders", "analysed",
        lambda stage, traffic: stage.servers[0].break_orders(), lambda stage, traffic: stage.servers[0].repair_orders(),
        "The other two servers carried the load while one was out.", "a drill that breaks one endpoint a month"),
    Act("a client surge", f"the client {SURGING_CLIENT} sends {SURGE_RATE:g} requests/s more to /search",
        "the client comes to its senses", "search", "mitigated",
        lambda stage, traffic: traffic.start(_surge(stage)), lambda stage, traffic: traffic.stop(_surge(stage)),
        "The limit was far above what any client needs.", "gateway check --replay with the lower limit"),
    Act("a bad config", f"a revision is applied that sends /customers to the wrong port, {WRONG_PORT}",
        "the gateway has gone back by itself", "customers", "mitigated",
        _apply_wrong_ports, _nothing,
        "Nobody tried the new port before it was applied.", "a rule that refuses ports below 1024"),
)
