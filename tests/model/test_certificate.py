"""The names and the end read from a certificate are those that `cryptography` wrote into it."""

import contextlib
import ssl
import string

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import certificate as x509
from tests import certificates

KEY = ec.generate_private_key(ec.SECP256R1())
DER = ssl.PEM_cert_to_DER_cert(certificates.certificate(("a.test",), KEY).decode())
LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=60)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(NAME, min_size=1, max_size=20, unique=True))
def test_every_dns_name_is_found_in_order(names: list[str]) -> None:
    pem = certificates.certificate(tuple(f"x{name}" for name in names), KEY).decode()
    assert x509.dns_names(pem) == tuple(f"x{name}" for name in names)


def test_names_are_lower_case_and_addresses_are_left_out() -> None:
    pem = certificates.certificate(("API.Example.com", "127.0.0.1", "*.example.com"), KEY).decode()
    assert x509.dns_names(pem) == ("api.example.com", "*.example.com")


def test_a_certificate_without_alternative_names_has_none() -> None:
    assert x509.dns_names(certificates.certificate((), KEY).decode()) == ()


def test_only_the_first_certificate_of_a_chain_counts() -> None:
    first, second = (certificates.certificate((name,), KEY).decode() for name in ("leaf.test", "authority.test"))
    assert x509.dns_names("a comment\n" + first + second) == ("leaf.test",)


@pytest.mark.parametrize("days", [-1, 30, 365 * 40])
def test_its_end_is_read_in_both_forms_of_time(days: int) -> None:
    pem = certificates.certificate(("a.test",), KEY, days=days).decode()
    ends = (certificates.NOW + days * certificates.DAY).replace(microsecond=0)
    assert x509.ends_ns(pem) == int(ends.timestamp()) * 10**9


def test_a_file_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="no PEM certificate"):
        x509.dns_names("-----BEGIN PRIVATE KEY-----")


@settings(deadline=None)
@given(st.data())
def test_a_cut_or_altered_certificate_never_reads_past_its_end(data: st.DataObject) -> None:
    der = bytearray(DER)
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(der)))
    pem = ssl.DER_cert_to_PEM_cert(bytes(der[:cut]))
    with contextlib.suppress(ValueError):
        assert all(isinstance(name, str) for name in x509.dns_names(pem))
    with contextlib.suppress(ValueError):
        assert x509.ends_ns(pem) % 10**9 == 0
