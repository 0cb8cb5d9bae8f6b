"""The fast share of the proofs in loadtests/proofs: what holds whatever the machine does meanwhile."""
from collections.abc import Iterator

import pytest

from loadtests import site
from loadtests.proofs import gateways, isolation, limit, probation
from loadtests.proofs.stage import Stage
from loadtests.proofs.verdict import Verdict

pytestmark = pytest.mark.wire
FIRST_PORT = 24_120


@pytest.fixture
def where() -> Iterator[site.Site]:
    with site.temporary_site(FIRST_PORT) as made:
        yield made


def test_a_limit_lets_through_no_more_though_a_worker_is_killed(where: site.Site) -> None:
    verdict = Verdict(print)
    limit.overload(verdict, where, 2.0, kill=True)
    assert verdict.missed == 0


def test_an_isolation_outlives_control_and_every_worker(where: site.Site) -> None:
    verdict, port = Verdict(print), where.port()
    with Stage() as stage:
        config = gateways.config(port, [stage.endpoint(where.port()).address])
        with gateways.running(config, where, cores=frozenset(site.available_cores())) as gateway:
            isolation.outlives_the_processes(verdict, gateway, port)
    assert verdict.missed == 0


def test_a_revision_that_sends_a_fifth_to_a_wrong_port_is_rolled_back_within_twenty_seconds(where: site.Site) -> None:
    verdict = Verdict(print)
    probation.Scene(where, ejects=False).prove(verdict, harmless=False, kill=False)
    assert verdict.missed == 0
