"""The end of each listener's certificate, as its file says now."""
from pathlib import Path

from gateway.record.certificates import Certificates, Served
from gateway.routing.plan import Certificate, Listener, Plan
from tests import certificates

DAY_NS = 86_400 * 10**9


def plan(*served: Certificate) -> Plan:
    return Plan(listeners=(Listener("127.0.0.1:443", certificates=served), Listener("127.0.0.1:80")))


def ends(days: int) -> int:
    return int((certificates.NOW + days * certificates.DAY).timestamp()) * 10**9


def test_each_certificate_of_each_listener_has_its_end(tmp_path: Path) -> None:
    short, long = certificates.pair(tmp_path, "a.test", days=3), certificates.pair(tmp_path, "b.test", days=60)
    assert list(Certificates().of(plan(short, long))) == [
        Served("127.0.0.1:443", short.certificate, ends(3)), Served("127.0.0.1:443", long.certificate, ends(60))]


def test_a_renewed_file_is_read_again(tmp_path: Path) -> None:
    known, served = Certificates(), certificates.pair(tmp_path, "a.test", days=3)
    assert [each.ends_ns for each in known.of(plan(served))] == [ends(3)]
    Path(served.certificate).unlink()
    assert list(known.of(plan(served))) == []
    certificates.pair(tmp_path, "a.test", days=90)
    assert [each.ends_ns for each in known.of(plan(served))] == [ends(90)]


def test_what_is_no_certificate_is_left_out(tmp_path: Path) -> None:
    served = certificates.pair(tmp_path, "a.test")
    Path(served.certificate).write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    assert list(Certificates().of(plan(served))) == []
