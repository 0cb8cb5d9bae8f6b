"""What the scanner accepts, h11 and httptools frame the same; the exceptions are listed in tests/http_peers.py."""
import contextlib
import random

import pytest
from http_mutations import ANSWERS, REQUESTS, mutated
from http_peers import by_h11, by_httptools, disagreements, ours
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dataplane import heads


@pytest.mark.parametrize("data", REQUESTS)
def test_every_request_to_begin_with_is_accepted_by_us_and_both_peers(data: bytes) -> None:
    framed = ours(data)
    assert framed is not None
    assert by_httptools(data) is not None
    assert disagreements(data) == []
    assert by_h11(data.removeprefix(b"\r\n")) is not None


@pytest.mark.parametrize("data", ANSWERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_answer_to_begin_with_is_framed_as_by_h11(data: bytes, method: str) -> None:
    assert ours(data, method) is not None
    assert disagreements(data, method) == []


@given(st.randoms(use_true_random=False))
@settings(max_examples=1000, deadline=None)
def test_a_spoilt_request_that_we_accept_is_framed_alike_by_both_peers(chance: random.Random) -> None:
    data = mutated(chance, REQUESTS)
    with contextlib.suppress(heads.HttpFault):
        assert disagreements(data) == [], data


@given(st.randoms(use_true_random=False), st.sampled_from(["GET", "HEAD"]))
@settings(max_examples=500, deadline=None)
def test_a_spoilt_answer_that_we_accept_is_framed_alike_by_h11(chance: random.Random, method: str) -> None:
    data = mutated(chance, ANSWERS)
    with contextlib.suppress(heads.HttpFault):
        assert disagreements(data, method) == [], data
