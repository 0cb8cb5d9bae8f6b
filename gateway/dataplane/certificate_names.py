"""Which DNS names a PEM certificate is for: what server name indication is matched against.

The standard library can decode a certificate only through a private function (`ssl._ssl._test_decode_certificate`),
for authorities only (`get_ca_certs`), or after a verified handshake (`getpeercert`: an expired one fails). So the one
field that we need is read here, along its fixed place in X.509 (RFC 5280, 4.1 and 4.2.1.6):

    Certificate [0] TBSCertificate -> [3] extensions -> (id-ce-subjectAltName, OCTET STRING) -> [2] dNSName

The common name is not looked at: clients have ignored it since RFC 6125. The file is the operator's own, OpenSSL has
loaded it before, and still every length is checked against the end of what holds it.
"""

import ssl
from collections.abc import Iterator

SEQUENCE = 0x30
OBJECT_IDENTIFIER = 0x06
OCTET_STRING = 0x04
EXTENSIONS = 0xA3
DNS_NAME = 0x82
SUBJECT_ALT_NAME = bytes((0x55, 0x1D, 0x11))

END = "-----END CERTIFICATE-----"
BEGIN = "-----BEGIN CERTIFICATE-----"


def dns_names(pem: str) -> tuple[str, ...]:
    """The lower-case DNS names of the first certificate in `pem`; ValueError if there is none or it is not X.509."""
    certificate = _only(_first_certificate(pem), SEQUENCE)
    _, to_be_signed = next(_items(certificate), (0, b""))
    extensions = [content for tag, content in _items(to_be_signed) if tag == EXTENSIONS]
    return tuple(name for content in extensions for name in _alternative_names(content))


def _first_certificate(pem: str) -> bytes:
    start = pem.find(BEGIN)
    end = pem.find(END, start)
    if start < 0 or end < 0:
        raise ValueError("holds no PEM certificate")
    return ssl.PEM_cert_to_DER_cert(pem[start : end + len(END)])


def _alternative_names(extensions: bytes) -> Iterator[str]:
    for _, extension in _items(_only(extensions, SEQUENCE)):
        parts = list(_items(extension))
        if parts and parts[0] == (OBJECT_IDENTIFIER, SUBJECT_ALT_NAME):
            tag, content = parts[-1]
            if tag != OCTET_STRING:
                raise ValueError("subjectAltName is not an OCTET STRING")
            names = _items(_only(content, SEQUENCE))
            yield from (name.decode("ascii").lower() for kind, name in names if kind == DNS_NAME)


def _only(der: bytes, wanted: int) -> bytes:
    """The content of the first element, which must be of the `wanted` tag."""
    tag, content = next(_items(der), (0, b""))
    if tag != wanted:
        raise ValueError(f"expected DER tag {wanted:#x}, found {tag:#x}")
    return content


def _items(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The (tag, content) pairs that follow each other in `der`."""
    at = 0
    while at < len(der):
        start, size = _length(der, at + 1)
        if size > len(der) - start:
            raise ValueError("DER element longer than what holds it")
        yield der[at], der[start : start + size]
        at = start + size


def _length(der: bytes, at: int) -> tuple[int, int]:
    """Where the content begins and its size, from the length at `at`."""
    if at >= len(der):
        raise ValueError("DER element without a length")
    first = der[at]
    if first < 0x80:
        return at + 1, first
    count = first & 0x7F
    if not 1 <= count <= 4 or count > len(der) - at - 1:
        raise ValueError("DER length of an unknown form")
    return at + 1 + count, int.from_bytes(der[at + 1 : at + 1 + count], "big")
