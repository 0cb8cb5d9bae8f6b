"""Which DNS names a PEM certificate is for, which is what server name indication is matched against, and when it ends.

The standard library can decode a certificate only through a private function (`ssl._ssl._test_decode_certificate`),
for authorities only (`get_ca_certs`), or after a verified handshake (`getpeercert`: an expired one fails). So the two
fields that we need are read here, along their fixed places in X.509 (RFC 5280, 4.1, 4.1.2.5 and 4.2.1.6):

    Certificate [0] TBSCertificate -> [3] extensions -> (id-ce-subjectAltName, OCTET STRING) -> [2] dNSName
                                   -> the third SEQUENCE, after signature and issuer: validity -> notBefore, notAfter

The common name is not looked at: clients have ignored it since RFC 6125. The file is the operator's own, OpenSSL has
loaded it before, and still every length is checked against the end of what holds it.
"""

import datetime
import ssl
from collections.abc import Iterator

SEQUENCE = 0x30
OBJECT_IDENTIFIER = 0x06
OCTET_STRING = 0x04
EXTENSIONS = 0xA3
DNS_NAME = 0x82
VALIDITY = 2                            # of the SEQUENCEs in a TBSCertificate
TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}      # UTCTime (up to 2049) and GeneralizedTime
SUBJECT_ALT_NAME = bytes((0x55, 0x1D, 0x11))

END = "-----END CERTIFICATE-----"
BEGIN = "-----BEGIN CERTIFICATE-----"


def dns_names(pem: str) -> tuple[str, ...]:
    """The lower-case DNS names of the first certificate in `pem`; ValueError if there is none or it is not X.509."""
    extensions = [content for tag, content in _items(_to_be_signed(pem)) if tag == EXTENSIONS]
    return tuple(name for content in extensions for name in _alternative_names(content))


def ends_ns(pem: str) -> int:
    """Until when the first certificate in `pem` is valid, in UTC ns; ValueError as above."""
    sequences = [content for tag, content in _items(_to_be_signed(pem)) if tag == SEQUENCE]
    times = list(_items(sequences[VALIDITY])) if len(sequences) > VALIDITY else []
    if len(times) != 2 or times[1][0] not in TIMES:
        raise ValueError("the validity of the certificate is of an unknown form")
    tag, text = times[1]
    ends = datetime.datetime.strptime(text.decode("ascii"), TIMES[tag]).replace(tzinfo=datetime.UTC)
    return int(ends.timestamp()) * 10**9


def _to_be_signed(pem: str) -> bytes:
    _, content = next(_items(_only(_first_certificate(pem), SEQUENCE)), (0, b""))
    return content


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
