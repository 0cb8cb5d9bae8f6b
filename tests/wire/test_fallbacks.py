"""Real processes: an origin that dies, a breaker that opens, another upstream, and a blackout that stays small."""
from collections.abc import Iterator

import pytest
from wire import gateways
from wire.peers import addresses
from wire.peers.child import until
from wire.peers.raw_client import ask
from wire.peers.scripted_upstream import Close, ReadBody, Reset, ScriptedUpstream, Send, answer, upstream

pytestmark = pytest.mark.wire
Scene = tuple[ScriptedUpstream, ScriptedUpstream, str]
RETRY = {"attempts": 3}
QUICK = {"window": "1s", "min_requests": 5}
BLACKOUT = 200


@pytest.fixture
def scene() -> Iterator[Scene]:
    """An upstream with retries and a breaker, and a spare one."""
    with upstream() as api, upstream() as spare:
        config = gateways.before(api.address, workers=2)
        config["upstreams"] = {
            "api": {"endpoints": [api.address], "retry": RETRY, "breaker": QUICK},
            "spare": {"endpoints": [spare.address]},
        }
        config["routes"] = [
            {"name": "kept", "match": {"path": "/kept"}, "upstream": "api",
             "fallback": [{"stale": {"for": "5m"}}, {"respond": {"body": "resting"}}]},
            {"name": "spared", "match": {"path": "/spared/**"}, "upstream": "api", "fallback": [{"upstream": "spare"}]},
            {"name": "all", "match": {"path": "/**"}, "upstream": "api",
             "fallback": [{"respond": {"body": "resting"}}]},
        ]
        with gateways.running(config) as gateway:
            yield api, spare, gateway.address


def test_the_last_good_answer_outlives_its_origin(scene: Scene) -> None:
    api, _, address = scene
    api.on("/kept", Send(answer(200, b"good", cache_control="max-age=60", connection="close")), Close())
    for _ in range(20):                 # either worker may take a connection, and each keeps its own
        assert ask(address, "/kept").body == b"good"
    api.stop()
    heard = [ask(address, "/kept") for _ in range(10)]
    assert {(each.status, each.body, each["x-fallback"]) for each in heard} == {(200, b"good", "stale")}
    assert all("age" in each for each in heard)


def test_another_upstream_answers_while_the_first_is_dead(scene: Scene) -> None:
    api, spare, address = scene
    spare.on("/spared/1", Send(answer(200, b"from the spare")))
    api.stop()
    heard = ask(address, "/spared/1")
    assert (heard.status, heard.body, heard["x-fallback"]) == (200, b"from the spare", "upstream")


def test_a_blackout_costs_few_tries_and_an_open_breaker_none(scene: Scene) -> None:
    api, _, address = scene
    api.on("/black", Reset())
    heard = [ask(address, "/black") for _ in range(BLACKOUT)]
    assert {(each.status, each.body, each["x-fallback"]) for each in heard} == {(503, b"resting", "respond")}
    assert len(api.seen("/black")) <= 1.2 * BLACKOUT
    until(lambda: not asked_by(api, address), what="an open breaker")


def asked_by(api: ScriptedUpstream, address: str) -> bool:
    """Whether one more request is a try at the upstream."""
    before = len(api.seen("/black"))
    ask(address, "/black")
    return len(api.seen("/black")) > before


def test_a_blackout_without_a_breaker_stays_within_the_budget() -> None:
    with upstream() as one, upstream() as other:
        for each in (one, other):
            each.on("/black", Send(answer(503, b"out")))
        config = gateways.before(one.address, other.address, workers=2, upstream={"retry": RETRY})
        with gateways.running(config) as gateway:
            heard = [ask(gateway.address, "/black") for _ in range(BLACKOUT)]
        assert {each.status for each in heard} == {503}
        tries = len(one.seen("/black")) + len(other.seen("/black"))
        assert BLACKOUT < tries <= 1.2 * BLACKOUT, "some are repeated, few"


def test_a_write_reaches_its_upstream_once() -> None:
    with upstream() as one, upstream() as other:
        for each in (one, other):
            each.on("/orders", ReadBody(), Reset())
        config = gateways.before(one.address, other.address, upstream={"retry": RETRY})
        with gateways.running(config) as gateway:
            heard = [ask(gateway.address, "/orders", method="POST", body=b"beer") for _ in range(5)]
        assert [each.status for each in heard] == [502] * 5
        assert len(one.seen("/orders")) + len(other.seen("/orders")) == 5


def test_a_dead_endpoint_among_two_is_not_seen_by_clients() -> None:
    with upstream() as alive:
        alive.on("/", Send(answer(200, b"alive")))
        config = gateways.before(addresses.free_address(), alive.address, upstream={"retry": {"attempts": 2}})
        with gateways.running(config) as gateway:
            assert {ask(gateway.address, "/").body for _ in range(10)} == {b"alive"}
