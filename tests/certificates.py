"""Certificates for tests: `pair(folder, "api.example.com")` writes a self-signed chain and its key, and names them."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.routing import plan

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificate(names: tuple[str, ...], key: ec.EllipticCurvePrivateKey, *, days: int = 30) -> bytes:
    """A self-signed PEM certificate for DNS names and IP addresses; `days` below 0 makes one that has expired."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "safeguard test")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW - 90 * DAY).not_valid_after(NOW + days * DAY)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pair(folder: Path, *names: str, days: int = 30, stem: str = "") -> plan.Certificate:
    """Write NAME.crt and NAME.key for `names` into `folder`."""
    stem = stem or names[0].replace("*", "any")
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / f"{stem}.crt").write_bytes(certificate(names, key, days=days))
    (folder / f"{stem}.key").write_bytes(key_pem(key))
    return plan.Certificate(str(folder / f"{stem}.crt"), str(folder / f"{stem}.key"))


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
