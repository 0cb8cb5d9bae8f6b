"""What counts against a server is what the server did wrong."""

import pytest

from gateway.isolate import outcomes
from gateway.isolate.outcomes import Outcome
from gateway.model import errors


@pytest.mark.parametrize("status", [500, 502, 503, 504, 507, 599])
def test_a_server_that_says_it_failed_has_failed(status):
    assert outcomes.of_status(status) is Outcome.FAILURE


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 404, 408, 429, 499, 501, 505])
def test_what_is_about_the_request_never_counts_against_the_server(status):
    assert outcomes.of_status(status) is Outcome.SUCCESS


@pytest.mark.parametrize("reason", ["connect_failed", "connect_timeout", "upstream_reset", "upstream_malformed",
                                    "first_byte_timeout", "upstream_idle", "request_timeout"])
def test_a_server_that_is_not_reached_or_goes_silent_has_failed(reason):
    assert outcomes.of_refusal(reason) is Outcome.FAILURE


@pytest.mark.parametrize("reason", ["no_route", "body_timeout", "pool_full", "draining", "no_endpoint"])
def test_what_never_reached_the_server_is_no_result(reason):
    assert outcomes.of_refusal(reason) is Outcome.NO_RESULT


def test_every_refusal_has_an_outcome():
    assert {outcomes.of_refusal(refusal.reason) for refusal in errors.REFUSALS} == {Outcome.FAILURE, Outcome.NO_RESULT}


def test_slowness_can_be_left_out_of_account():
    assert outcomes.is_slow(2_000_000_001, slow_over=2_000_000_000)
    assert not outcomes.is_slow(2_000_000_000, slow_over=2_000_000_000)
    assert not outcomes.is_slow(10**12, slow_over=0)
