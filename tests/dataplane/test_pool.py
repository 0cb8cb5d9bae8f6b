"""Which endpoint is next, and the count of each one's connections."""
from collections import Counter
from dataclasses import dataclass

import pytest
from data_path import API, Gateway
from hypothesis import given
from hypothesis import strategies as st

from gateway import _fastpath
from gateway.dataplane.pool import Endpoint
from gateway.routing import plan as plans

SECOND = plans.SECOND
FAR = 1 << 62                   # a time at which nothing is avoided


def group_of(balance: str, *weights: int, **pool: int) -> Gateway:
    endpoints = tuple(plans.Endpoint(f"127.0.0.1:{9000 + n}", weight) for n, weight in enumerate(weights))
    return Gateway(upstream=plans.Upstream("api", endpoints, balance, pool=plans.PoolLimits(**pool)))


@dataclass
class Weighted:
    """Smooth weighted round robin as nginx describes it."""

    weights: dict[str, int]

    def order(self, count: int) -> list[str]:
        credit = dict.fromkeys(self.weights, 0)
        answer = []
        for _ in range(count):
            credit = {name: credit[name] + weight for name, weight in self.weights.items()}
            best = max(credit, key=lambda name: credit[name])
            credit[best] -= sum(self.weights.values())
            answer.append(best)
        return answer


@given(st.lists(st.integers(1, 20), min_size=2, max_size=6))
def test_round_robin_follows_the_reference(weights: list[int]) -> None:
    group = group_of("round_robin", *weights).group
    picked = [group.pick(FAR).address for _ in range(50)]
    assert picked == Weighted({each.address: each.weight for each in group.endpoints}).order(50)


@pytest.mark.parametrize("balance", ["round_robin", "least_request"])
def test_an_upstream_with_one_endpoint_has_no_choice(balance: str) -> None:
    group = group_of(balance, 1).group
    group.endpoints[0].connect_failed(FAR)
    assert group.pick(FAR) is group.endpoints[0]


@pytest.mark.parametrize("balance", ["round_robin", "least_request"])
def test_an_endpoint_that_refused_is_passed_over_for_a_second(balance: str) -> None:
    group = group_of(balance, 1, 1, 1).group
    now = _fastpath.monotonic_ns()
    group.endpoints[1].connect_failed(now)
    early = {group.pick(now + SECOND - 1).address for _ in range(200)}
    assert group.endpoints[1].address not in early
    assert len(early) == 2
    assert len({group.pick(now + SECOND).address for _ in range(200)}) == 3


@pytest.mark.parametrize("balance", ["round_robin", "least_request"])
def test_when_all_refused_any_will_do(balance: str) -> None:
    group = group_of(balance, 1, 1).group
    for each in group.endpoints:
        each.connect_failed(FAR)
    assert len({group.pick(FAR).address for _ in range(100)}) == 2


def test_least_request_takes_the_less_busy_of_two() -> None:
    gateway = group_of("least_request", 1, 1)
    client = gateway.client()
    client.says(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    busy = next(each for each in gateway.group.endpoints if each.active)
    assert all(gateway.group.pick(FAR) is not busy for _ in range(100))


def test_least_request_gives_an_idle_upstream_its_share_by_weight() -> None:
    group = group_of("least_request", 10, 1).group
    picked = Counter(group.pick(FAR).address for _ in range(3300))
    assert 200 < picked[group.endpoints[1].address] < 400


def test_least_request_weighs_what_is_in_flight() -> None:
    gateway = group_of("least_request", 4, 1)
    for _ in range(100):
        gateway.client().says(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    heavy, light = (each.active for each in gateway.group.endpoints)
    assert heavy + light == 100
    assert abs(light - 20) <= 2


def test_the_first_draw_is_even() -> None:
    group = group_of("least_request", 1, 1, 1).group
    picked = Counter(group.pick(FAR).address for _ in range(3000))
    assert min(picked.values()) > 800


def test_the_others_are_those_not_tried_the_usable_and_idle_first() -> None:
    group = group_of("round_robin", 1, 1, 1).group
    one, two, three = group.endpoints
    one.connect_failed(FAR - 1)
    assert group.others({three}, FAR) is two
    assert group.others({two, three}, FAR) is one
    assert group.others({one, two, three}, FAR) is None


def test_room_counts_what_is_opening() -> None:
    endpoint: Endpoint = group_of("round_robin", 1, max_connections=2).endpoint
    endpoint.opening()
    assert endpoint.has_room()
    endpoint.opening()
    assert not endpoint.has_room()
    endpoint.closed()
    assert endpoint.has_room()


def test_without_a_limit_there_is_always_room() -> None:
    endpoint = Gateway(upstream=API).endpoint
    for _ in range(1000):
        endpoint.opening()
    assert endpoint.has_room()


def test_the_gauges_go_to_the_board() -> None:
    gateway = Gateway()
    gateway.client().says(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    gateway.endpoint.publish()
    assert (gateway.counted_endpoint()["active"], gateway.counted_endpoint()["idle"]) == (1, 0)
    gateway.connects().says(b"HTTP/1.1 204 No Content\r\n\r\n")
    gateway.endpoint.publish()
    assert (gateway.counted_endpoint()["active"], gateway.counted_endpoint()["idle"]) == (0, 1)
