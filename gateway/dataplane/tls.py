"""TLS of listeners and to upstreams: contexts, choice by server name, changed files picked up.

A listener has one *front* context, which holds no certificate and never changes: the event loop keeps it, and with it
the session-ticket keys. Its SNI callback, called for every client (without a server name too), moves the handshake to
the context of the certificate that fits; the first pair serves unknown names. So picking up a renewed file is one
assignment: a new context is built, the key is checked against the chain, and the table of names is replaced. A live
context is never loaded into, connections that exist keep the one they began with, and a bad pair leaves the old in
force and is reported once per change of its files.

No compression (CRIME), no renegotiation, TLS 1.2 with forward-secret AEAD suites or TLS 1.3, ALPN `http/1.1` only.
"""

import logging
import os
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.model import certificate as x509
from gateway.routing import plan

# Mozilla's "intermediate" list of 2024 without the finite-field suites; TLS 1.3 suites are OpenSSL's own.
TLS12_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
ALPN = ["http/1.1"]
# OpenSSL sends two tickets per TLS 1.3 handshake, for parallel page loads; a keep-alive client needs one.
TICKETS = 1

Stamp = tuple[tuple[int, int, int], ...]
Connection = ssl.SSLObject | ssl.SSLSocket


class TlsFault(ValueError):
    """A certificate, key or CA file that cannot be used; the text names the file and what to do."""


@dataclass(frozen=True, slots=True)
class LoadedPair:
    """A pair as it was when `stamp` was taken; `context` is in use by live connections and never altered."""

    pair: plan.Certificate
    stamp: Stamp
    context: ssl.SSLContext
    names: tuple[str, ...]


class ServerContexts:
    """The certificates of one listener. The first pair serves clients without a server name and unknown names.

    Raises TlsFault if any pair cannot be loaded. Mutable state: `_loaded`, `_by_name`, `_default` and `_tried`,
    replaced by `refresh` alone.
    """

    def __init__(self, certificates: Sequence[plan.Certificate], log: logging.Logger) -> None:
        if not certificates:
            raise TlsFault("a TLS listener needs at least one certificate; add `tls: {certificate: …, key: …}`")
        self._log = log
        self._tried = [_stamp(pair) for pair in certificates]
        self._install([_load(pair) for pair in certificates])
        self.context = _front(self._choose)

    def __repr__(self) -> str:
        return f"ServerContexts({', '.join(loaded.pair.certificate for loaded in self._loaded)})"

    def snapshot(self) -> dict[str, tuple[str, ...]]:
        """Certificate file -> the names that it is served for."""
        return {loaded.pair.certificate: loaded.names for loaded in self._loaded}

    def refresh(self) -> list[str]:
        """Pick up files that changed since they were last tried; returns what is wrong with those left as they were."""
        changed = [i for i, loaded in enumerate(self._loaded) if _stamp(loaded.pair) != self._tried[i]]
        if not changed:
            return []
        loaded, problems = list(self._loaded), []
        for i in changed:
            self._tried[i] = _stamp(loaded[i].pair)
            try:
                loaded[i] = _load(loaded[i].pair)
                self._log.info("certificate %s reloaded", loaded[i].pair.certificate)
            except TlsFault as fault:
                problems.append(f"{fault}; the certificate loaded before stays in force")
        self._install(loaded)
        for problem in problems:
            self._log.error("%s", problem)
        return problems

    def _install(self, loaded: Sequence[LoadedPair]) -> None:
        """Swap in the new table; where two certificates are for one name, the one listed first is served."""
        self._loaded = tuple(loaded)
        self._default = loaded[0].context
        self._by_name = {name: item.context for item in reversed(loaded) for name in item.names}

    def _choose(self, connection: Connection, server_name: str | None, _front: ssl.SSLContext) -> None:
        connection.context = self._context_for(server_name)

    def _context_for(self, server_name: str | None) -> ssl.SSLContext:
        """Exact name, then a wildcard for its first label alone (RFC 9525, 6.3), then the first pair."""
        if not server_name:
            return self._default
        name = server_name.lower().rstrip(".")
        exact = self._by_name.get(name)
        if exact is not None:
            return exact
        return self._by_name.get("*." + name.partition(".")[2], self._default)


def client_context(tls: plan.UpstreamTls) -> ssl.SSLContext:
    """The context for connections to an upstream. Raises TlsFault if the CA file cannot be read.

    The peer's name is checked against the `server_hostname` that the connection is opened with.
    """
    context = _bare(ssl.PROTOCOL_TLS_CLIENT)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca_file:
        _load_authorities(context, tls.ca_file)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        raise TlsFault(f"{path}: {_reason(error)}; give a file of PEM certificates that may be read") from None


def _bare(protocol: int) -> ssl.SSLContext:
    """What every context of the gateway has in common."""
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(TLS12_CIPHERS)
    context.set_alpn_protocols(ALPN)
    return context


def _server() -> ssl.SSLContext:
    context = _bare(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = TICKETS
    return context


def _front(choose: object) -> ssl.SSLContext:
    context = _server()
    context.sni_callback = choose  # type: ignore[assignment]  # typeshed leaves SSLObject out of the callback's first argument
    return context


def _load(pair: plan.Certificate) -> LoadedPair:
    """Build a new context from the files of `pair`. Raises TlsFault."""
    stamp = _stamp(pair)
    context = _server()
    try:
        with open(pair.certificate, encoding="ascii", errors="replace") as file:
            names = x509.dns_names(file.read())
        context.load_cert_chain(pair.certificate, pair.key, password=_refuse_password)
    except (OSError, ValueError) as error:
        raise TlsFault(f"certificate {pair.certificate} with key {pair.key}: {_reason(error)}") from None
    return LoadedPair(pair, stamp, context, names)


def _refuse_password() -> str:
    """OpenSSL would otherwise ask on the terminal, and the worker would hang."""
    raise ValueError("the key is encrypted; give a key file without a passphrase")


def _reason(error: Exception) -> str:
    """What went wrong in a few words; an ssl.SSLError's own text has source lines of OpenSSL in it."""
    if isinstance(error, ssl.SSLError):
        return {
            "KEY_VALUES_MISMATCH": "the key is not this certificate's",
            "NO_CERTIFICATE_OR_CRL_FOUND": "no certificate in the file",
        }.get(error.reason or "", "not a certificate chain and a key in PEM")
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _stamp(pair: plan.Certificate) -> Stamp:
    """Changes when either file does; a symbolic link put elsewhere (Kubernetes) counts."""
    return tuple(_file_stamp(path) for path in _files(pair))


def _files(pair: plan.Certificate) -> Iterable[str]:
    return (pair.certificate, pair.key)


def _file_stamp(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_ino, found.st_size)
