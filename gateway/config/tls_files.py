"""Are the TLS files of a config there, readable and fit for each other? Asked before anything live is touched.

Only OpenSSL can say so, so the files are loaded as a worker will load them. A key with a passphrase is refused rather
than asked for: there is nobody at the terminal when a worker restarts.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """`key` is the setting that the message is about."""

    key: str
    message: str


def fault_of_pair(certificate: str, key: str) -> Fault | None:
    """What is wrong with a certificate and its key, or None."""
    unreadable = _unreadable("certificate", certificate) or _unreadable("key", key)
    if unreadable:
        return unreadable
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _Passphrase:
        return Fault("key", f"{key} has a passphrase; write a key without one: openssl pkey -in {key}")
    except ssl.SSLError as error:
        return _of_error(error, certificate, key)
    return None


def fault_of_authorities(ca: str) -> Fault | None:
    """What is wrong with a file of authorities, or None."""
    unreadable = _unreadable("ca", ca)
    if unreadable:
        return unreadable
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(ca)
    except ssl.SSLError:
        return Fault("ca", f"{ca} holds no PEM certificate; write a file with the authorities' certificates")
    return None


def _of_error(error: ssl.SSLError, certificate: str, key: str) -> Fault:
    if error.reason == "KEY_VALUES_MISMATCH":
        return Fault("key", f"{key} is not the key of {certificate}; write the pair that belongs together")
    if "BEGIN CERTIFICATE" not in _text(certificate):
        return Fault("certificate", f"{certificate} holds no PEM certificate; convert it to PEM")
    if "PRIVATE KEY" not in _text(key):
        return Fault("key", f"{key} holds no PEM private key; convert it to PEM")
    return Fault("certificate", f"{certificate} and {key} cannot be loaded: {error.reason or error}")


def _unreadable(key: str, path: str) -> Fault | None:
    try:
        with Path(path).open("rb"):
            return None
    except OSError as error:
        return Fault(key, f"{Path(path).absolute()} cannot be read: {error.strerror}")


def _text(path: str) -> str:
    return Path(path).read_text(encoding="ascii", errors="replace")


class _Passphrase(Exception):
    """OpenSSL asked for one."""


def _no_passphrase() -> str:
    raise _Passphrase
