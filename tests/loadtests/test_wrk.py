"""The load generator's report: read exactly, and never believed when a request failed."""

import dataclasses

import pytest

from loadtests import wrk
from loadtests.errors import FailedRequestsError, LoadTestError

OUTPUT = """\
Running 3s test @ http://127.0.0.1:24001/v1/orders
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  210.00us   9.10ms   90.00%
  189000 requests in 3.00s, 231.00MB read
Requests/sec:  63000.00

REPORT {"requests": 189000, "bytes": 242000000, "duration_us": 3000000, "p50_us": 1010.0, "p99_us": 1740.0, \
"max_us": 9100.0, "connect": 0, "read": 0, "write": 0, "timeout": 0, "status": 0}
"""


def load(answer=1024):
    return wrk.Load("http://127.0.0.1:24001/v1/orders", connections=64, threads=1, duration=3, cores=frozenset({1}),
                    headers=(("Host", "api.example.com"),), answer=answer)


def report(**changes):
    return dataclasses.replace(wrk.parse(OUTPUT), **changes)


def test_report_is_read_from_its_line_among_wrks_own_words():
    found = wrk.parse(OUTPUT)
    assert found.requests == 189_000
    assert found.rate == 63_000
    assert (found.p50_us, found.p99_us) == (1010, 1740)


def test_output_without_a_report_is_shown_not_guessed():
    with pytest.raises(LoadTestError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:24001 Connection refused")


def test_a_load_whose_answers_all_came_is_believed():
    wrk.verify(report(), load())


@pytest.mark.parametrize("kind", ["connect", "read", "write", "timeout", "status"])
def test_a_single_failed_request_makes_the_whole_measurement_void(kind):
    with pytest.raises(FailedRequestsError, match=f"1 {kind} errors"):
        wrk.verify(report(errors={kind: 1}), load())


def test_a_load_without_any_answer_is_a_failure():
    with pytest.raises(FailedRequestsError, match="no request was answered"):
        wrk.verify(report(requests=0, bytes=0), load())


def test_answers_shorter_than_the_body_are_failures_even_with_status_200():
    with pytest.raises(FailedRequestsError, match="at least 65536 expected"):
        wrk.verify(report(), load(answer=65536))


def test_request_script_carries_the_headers_quoted_for_lua():
    script = wrk.request_script([("Accept", "text/plain"), ("Cookie", 'a="b"')])
    assert r'wrk.headers = { ["Accept"] = "text/plain", ["Cookie"] = "a=\"b\"" }' in script
