"""TLS files are loaded while the config is checked, and each fault names the file and what to do."""

from pathlib import Path

import certificates
import config_text
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.config import tls_files


def message(fault: tls_files.Fault | None) -> str:
    assert fault is not None
    return f"{fault.key}: {fault.message}"


def test_a_pair_that_belongs_together_is_good(tmp_path: Path) -> None:
    pair = certificates.pair(tmp_path, "a.example")
    assert tls_files.fault_of_pair(pair.certificate, pair.key) is None


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    first, second = certificates.pair(tmp_path, "a.example"), certificates.pair(tmp_path, "b.example")
    assert message(tls_files.fault_of_pair(first.certificate, second.key)) == (
        f"key: {second.key} is not the key of {first.certificate}; write the pair that belongs together"
    )


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(tmp_path: Path) -> None:
    pair = certificates.pair(tmp_path, "a.example")
    Path(pair.key).write_bytes(certificates.key_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"))
    assert "has a passphrase" in message(tls_files.fault_of_pair(pair.certificate, pair.key))


def test_files_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    pair, other = certificates.pair(tmp_path, "a.example"), tmp_path / "other"
    other.write_text("nonsense")
    assert message(tls_files.fault_of_pair(str(other), pair.key)).startswith(f"certificate: {other} holds no PEM")
    assert message(tls_files.fault_of_pair(pair.certificate, str(other))).startswith(f"key: {other} holds no PEM")
    assert message(tls_files.fault_of_authorities(str(other))).startswith(f"ca: {other} holds no PEM")
    assert "is a directory" in message(tls_files.fault_of_authorities(str(tmp_path))).lower()


def test_authorities(tmp_path: Path) -> None:
    assert tls_files.fault_of_authorities(certificates.pair(tmp_path, "a.example").certificate) is None


def test_one_pair_and_a_list_of_pairs_are_both_located(tmp_path: Path) -> None:
    pair = certificates.pair(tmp_path, "a.example")
    good = f"{{certificate: {pair.certificate}, key: {pair.key}}}"
    bad = f"{{certificate: {pair.certificate}, key: /none}}"
    for tls, name in ((bad, "tls.key"), (f"[{good}, {bad}]", "tls[1].key")):
        text = f"version: 1\nlisteners:\n  - address: 127.0.0.1:1\n    tls: {tls}\n"
        column = text.splitlines()[3].index("/none") + 1
        assert config_text.problems(tmp_path, text) == [
            f"gateway.yaml:4:{column}: listeners[0].{name}: /none cannot be read: No such file or directory"
        ]
    plan = config_text.plan_of(tmp_path, f"version: 1\nlisteners:\n  - address: 127.0.0.1:1\n    tls: {good}\n")
    assert plan.listeners[0].certificates == (pair,)


def test_a_file_of_authorities_is_checked_too(tmp_path: Path) -> None:
    text = config_text.upstream("endpoints: ['a:1']\ntls: {ca: /none}")
    assert config_text.problems(tmp_path, text) == [
        "gateway.yaml:6:15: upstreams.u.tls.ca: /none cannot be read: No such file or directory"
    ]
