"""Which endpoints are asked at all: what the board says of each, and the modes of the plan."""
from collections import Counter
from dataclasses import dataclass

import pytest
from data_path import Gateway, get, status
from hypothesis import given
from hypothesis import strategies as some

from gateway import board
from gateway.model.safeguards import Eject, Health
from gateway.routing import plan as plans

NOW = 1 << 62
LATER = NOW + plans.SECOND
BALANCES = ["round_robin", "least_request"]


def upstream_of(count: int, balance: str = "round_robin", eject: str = "enforce", health: str = "enforce"
                ) -> plans.Upstream:
    endpoints = tuple(plans.Endpoint(f"127.0.0.1:{9000 + number}") for number in range(count))
    return plans.Upstream("api", endpoints, balance, eject=Eject(mode=eject), health=Health("/up", mode=health))


def control(gateway: Gateway, number: int) -> board.Row:
    return gateway.board.control("endpoints", number)


def picked(gateway: Gateway, draws: int = 200) -> set[int]:
    """The numbers of the endpoints that so many draws came to; empty: none was found."""
    found = {gateway.group.pick(NOW) for _ in range(draws)} - {None}
    return {number for number, each in enumerate(gateway.group.endpoints) if each in found}


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize("word", ["ejected_until", "isolated_until", "unhealthy"])
def test_an_endpoint_that_is_out_is_not_asked(balance: str, word: str) -> None:
    gateway = Gateway(upstream=upstream_of(3, balance))
    control(gateway, 1)[word] = LATER
    assert picked(gateway) == {0, 2}
    control(gateway, 1)[word] = 0
    assert picked(gateway) == {0, 1, 2}


@pytest.mark.parametrize("balance", BALANCES)
def test_in_shadow_an_endpoint_that_is_out_is_asked_on(balance: str) -> None:
    gateway = Gateway(upstream=upstream_of(3, balance, eject="shadow", health="shadow"))
    control(gateway, 0)["ejected_until"] = LATER
    control(gateway, 1)["unhealthy"] = 1
    assert picked(gateway) == {0, 1, 2}


def test_an_isolation_by_hand_knows_neither_shadow_nor_panic() -> None:
    gateway = Gateway(upstream=upstream_of(2, eject="shadow", health="shadow"))
    gateway.board.control("upstreams", 0)["panic"] = 1
    control(gateway, 0)["isolated_until"] = LATER
    assert picked(gateway) == {1}


def test_in_panic_ejections_and_checks_are_ignored() -> None:
    gateway = Gateway(upstream=upstream_of(3))
    gateway.board.control("upstreams", 0)["panic"] = 1
    for number in range(3):
        control(gateway, number)["ejected_until"] = LATER
        control(gateway, number)["unhealthy"] = 1
    assert picked(gateway) == {0, 1, 2}


def test_a_second_try_goes_to_no_endpoint_that_is_out() -> None:
    gateway = Gateway(upstream=upstream_of(3))
    one, _, three = gateway.group.endpoints
    control(gateway, 1)["ejected_until"] = LATER
    assert gateway.group.others({one}, NOW) is three
    assert gateway.group.others({one, three}, NOW) is None


@pytest.mark.parametrize(("word", "reason"), [("isolated_until", "isolated"), ("ejected_until", "no_endpoint")])
def test_a_request_that_finds_nobody_is_refused_with_the_reason(word: str, reason: str) -> None:
    gateway = Gateway(upstream=upstream_of(2))
    for number in range(2):
        control(gateway, number)[word] = board.FOR_EVER
    client = gateway.client()
    client.says(get())
    heard = client.hears()
    assert (status(heard), gateway.refused()) == (503, {reason: 1})
    assert not gateway.waiting


@pytest.mark.parametrize("balance", BALANCES)
def test_an_endpoint_of_weight_nought_is_left_alone_while_that_lasts(balance: str) -> None:
    gateway = Gateway(upstream=upstream_of(2, balance))
    control(gateway, 0).override("weight", 0, "weight_until", LATER)
    assert picked(gateway) == {1}


@pytest.mark.parametrize("balance", BALANCES)
def test_an_endpoint_that_starts_slowly_gets_its_share_of_the_weight(balance: str) -> None:
    gateway = Gateway(upstream=upstream_of(2, balance))
    control(gateway, 0).override("ramp_ppm", 100_000, "ramp_until", LATER)
    asked = Counter(gateway.group.pick(NOW).address for _ in range(2200))
    assert 120 <= asked["127.0.0.1:9000"] <= 280        # a tenth to one: 200 of 2200


@dataclass
class Endpoint:
    """What the board says of one, and what follows from it, told anew."""

    ejected: bool
    unhealthy: bool
    isolated: bool

    def may_be_asked(self, eject: str, health: str, panic: bool) -> bool:
        if self.isolated:
            return False
        heeded = [self.ejected and eject == "enforce", self.unhealthy and health == "enforce"]
        return panic or not any(heeded)


endpoints = some.lists(some.builds(Endpoint, some.booleans(), some.booleans(), some.booleans()), min_size=1, max_size=5)
modes = some.sampled_from(["off", "shadow", "enforce"])


@given(endpoints, some.sampled_from(BALANCES), modes, modes, some.booleans())
def test_the_choice_is_among_those_of_the_reference(those: list[Endpoint], balance: str, eject: str, health: str,
                                                    panic: bool) -> None:
    gateway = Gateway(upstream=upstream_of(len(those), balance, eject, health))
    gateway.board.control("upstreams", 0)["panic"] = panic
    for number, each in enumerate(those):
        row = control(gateway, number)
        row["ejected_until"], row["isolated_until"] = LATER * each.ejected, LATER * each.isolated
        row["unhealthy"] = each.unhealthy
    expected = {number for number, each in enumerate(those) if each.may_be_asked(eject, health, panic)}
    assert picked(gateway) == expected
