"""What a drill does to the gateway: begun, and ended for certain. Each is a context manager whose block is the fault.

An injected fault also ends by itself, in every worker, should this process be killed; the surge ends with it; a bad
revision is rolled back by the gateway, or here.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import yaml

from gateway.cli.asking import ask
from gateway.cli.drills.followed import patiently
from gateway.cli.drills.places import Place
from gateway.cli.drills.traffic import Flow, Traffic
from gateway.config import places
from gateway.model.quantities import format_duration, format_share
from gateway.prevent.settings import FaultSettings, ScenarioSettings

MARGIN_NS = 30 * 10**9
TTL_MOST = 600 * 10**9


@contextlib.contextmanager
def done(admin: str, scenario: ScenarioSettings, place: Place, name: str, traffic: Traffic,
         surge: str) -> Iterator[None]:
    """`surge`: the URL that a surging client asks for."""
    with contextlib.ExitStack() as ended:
        if scenario.fault is not None:
            for upstream in place.upstreams:
                ended.enter_context(injected(admin, scenario.fault, place, upstream, scenario.for_, name))
        elif scenario.surge is not None:
            ended.enter_context(traffic.flowing(Flow(surge, float(scenario.surge.rate), place.client)))
        elif scenario.mistake is not None:
            ended.enter_context(mistaken(admin, place.upstreams[0], scenario.mistake.port, name))
        yield


@contextlib.contextmanager
def injected(admin: str, fault: FaultSettings, place: Place, upstream: str, ttl: int, name: str) -> Iterator[None]:
    wanted: dict[str, Any] = {
        "kind": str(fault.kind), "upstream": upstream, "share": format_share(fault.share), "status": fault.status,
        "delay": format_duration(fault.delay), "rate": fault.rate, "reason": f"drill {name}",
        "for": format_duration(min(ttl + MARGIN_NS, TTL_MOST))}
    scope = {kind: value for kind, value in (("route", place.route), ("endpoint", place.endpoint)) if value}
    number = None
    try:
        number = ask(admin, "/v1/faults", wanted | scope)["id"]
        yield
    finally:                            # interrupted before the answer came, it may stand all the same
        for each in patiently(admin, "/v1/faults")["faults"]:
            if each["id"] == number or (number is None and each["reason"] == wanted["reason"]):
                patiently(admin, f"/v1/faults/{each['id']}", {"reason": f"drill {name} is over"}, "DELETE")


@contextlib.contextmanager
def mistaken(admin: str, upstream: str, port: int, name: str) -> Iterator[None]:
    served = ask(admin, "/v1/config")["revision"]["number"]
    text = ask(admin, f"/v1/revisions/{served}")["text"]
    applied = ask(admin, "/v1/config", {"documents": with_mistake(text, upstream, port),
                                        "reason": f"drill {name}"})["number"]
    try:
        yield
    finally:
        if patiently(admin, "/v1/config")["revision"]["number"] == applied:
            ask(admin, "/v1/config/rollback", {"to": served, "reason": f"drill {name} is over"})


def with_mistake(text: str, upstream: str, port: int) -> dict[str, str]:
    """The files of a revision, one or several, with the upstream at the wrong port; only its own file is changed."""
    files = places.documents(text)
    for name, body in files.items():
        config = yaml.safe_load(body) or {}
        if upstream in (config.get("upstreams") or {}):
            config["upstreams"][upstream]["endpoints"] = [f"127.0.0.1:{port}"]
            files[name] = yaml.safe_dump(config, sort_keys=False)
    return files
