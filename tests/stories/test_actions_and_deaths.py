"""Actions in force, and control killed: they are the same afterwards, each once; with control dead they end by
themselves."""
import http.client
import signal
import time

import pytest
from stories import telling
from stories.telling import Document, actions, soon

from loadtests import site
from loadtests.proofs import gateways
from loadtests.proofs.gateways import Gateway
from loadtests.proofs.stage import Stage, get

pytestmark = pytest.mark.wire
where = telling.where
SHORT = 12
"""Seconds: longer than a control takes to come back on a busy machine."""


def config(port: int, endpoints: list[str]) -> Document:
    """Two routes that can answer without their upstream; the gateway only says what it would do."""
    resting = {"respond": {"status": 200, "body": "resting"}, "on": ["isolated"]}
    routes = [{"name": name, "match": {"path": f"/{name}"}, "upstream": "api", "fallback": [resting]}
              for name in ("one", "two")]
    return {**gateways.config(port, endpoints, workers=1, upstream={"breaker": {}}, routes=routes),
            "respond": {"mode": "shadow", "wider": "shadow"}}


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def force(gateway: Gateway, kind: str, target: str, ttl: int) -> None:
    number = next(each["id"] for each in actions(gateway) if (each["kind"], each["target"]) == (kind, target))
    code, answer = gateway.ask("POST", f"/v1/incidents/1/actions/{number}/force",
                               {"reason": "the story", "ttl": f"{ttl}s"})
    assert code == 200, answer


def in_force(gateway: Gateway) -> list[tuple[int, str, str, str]]:
    return [(each["id"], each["kind"], each["target"], each["expires"]) for each in actions(gateway)
            if each["in_force"]]


def test_actions_outlive_control_each_once_and_end_without_it(where: site.Site) -> None:
    with Stage() as stage:
        endpoints = [stage.endpoint(where.port()) for _ in range(2)]
        port = where.port()
        with telling.running(config(port, [each.address for each in endpoints]), where) as gateway:
            stage.crowd(port, lambda asked: get(("/one", "/two")[asked % 2]), connections=4, pause=0.05)
            soon(gateway, lambda: endpoints[0].requests > 200, "there is a past to compare with")
            for each in endpoints:
                each.answers(500)
            soon(gateway, lambda: len(actions(gateway)) >= 4, "the breaker opened, and what may be done is planned")
            force(gateway, "force fallback", "route:one", 60)
            force(gateway, "lower concurrency", "upstream:api", 60)
            force(gateway, "force fallback", "route:two", SHORT)
            three, ends = in_force(gateway), time.monotonic() + SHORT
            assert len(three) == 3
            telling.kill_control(gateway)
            assert in_force(gateway) == three
            assert (status(port, "/one"), status(port, "/two")) == (200, 200)
            with gateways.without_control(gateway, signal.SIGKILL):
                gateways.wait_until(lambda: status(port, "/two") >= 500, SHORT + 5, lambda: "it does not end")
                assert time.monotonic() > ends - 1.5        # the API's ends are whole seconds
                assert status(port, "/one") == 200
            gateway.wait_complete()
            left = [each for each in three if each[2] != "route:two"]
            soon(gateway, lambda: in_force(gateway) == left, "the journal agrees")
            assert [each["state"] for each in actions(gateway) if each["target"] == "route:two"] == ["expired"]
