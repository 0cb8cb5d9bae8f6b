"""The admin API of a running gateway keeps to its OpenAPI document: a small share of `python -m loadtests contract`."""
import pytest

from loadtests import site
from loadtests.proofs import contract
from loadtests.proofs.verdict import Verdict

pytestmark = pytest.mark.wire


def test_no_request_of_the_document_breaks_the_contract() -> None:
    verdict = Verdict(print)
    with site.temporary_site(24_160) as where:
        contract.holds(verdict, where, examples=4, phases="examples,fuzzing")
    assert verdict.missed == 0
