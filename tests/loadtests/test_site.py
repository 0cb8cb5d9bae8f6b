"""Which cores and ports a run takes."""

import socket

import pytest

from loadtests import site
from loadtests.errors import LoadTestError


def test_proxy_and_load_have_a_core_each():
    assert site.divide_cores({0, 1}, workers=1) == site.Cores(frozenset({0}), frozenset({1}))


def test_two_workers_on_two_cores_share_them_with_the_load():
    assert site.divide_cores({0, 1}, workers=2).shared


def test_two_workers_on_four_cores_leave_two_to_the_load():
    assert site.divide_cores({0, 1, 2, 3}, workers=2) == site.Cores(frozenset({0, 1}), frozenset({2, 3}))


def test_one_core_is_too_few():
    with pytest.raises(LoadTestError, match="needs two cores"):
        site.divide_cores({0}, workers=1)


def test_a_port_on_which_another_program_listens_is_passed_over(tmp_path):
    where = site.Site(tmp_path, first_port=site.FIRST_PORT)
    with socket.socket() as taken:
        first = where.port()
        taken.bind(("127.0.0.1", first))
        assert site.Site(tmp_path, first_port=first).port() != first


def test_no_port_is_given_twice(tmp_path):
    where = site.Site(tmp_path)
    assert where.port() != where.port()


def test_running_out_of_ports_says_what_to_do(tmp_path):
    with pytest.raises(LoadTestError, match="--first-port"):
        site.Site(tmp_path, first_port=site.LAST_PORT + 1).port()
