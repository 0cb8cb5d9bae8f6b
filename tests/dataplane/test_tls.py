"""Contexts are driven through handshakes in memory: `shake` joins two SSLObjects by their BIOs."""

import logging
import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.dataplane import tls
from gateway.model import certificate as x509
from gateway.routing import plan
from tests import certificates

LOG = logging.getLogger("tests.tls")


class Shaken:
    """A finished handshake: both ends and which DNS name the server's certificate is for."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext, name: str | None) -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(to_client, to_server, server_hostname=name)
        self.server = server.wrap_bio(to_server, to_client, server_side=True)
        waiting = [self.client, self.server]
        for _ in range(10):
            waiting = [end for end in waiting if not _step(end)]
            if not waiting:
                return
        raise AssertionError("the handshake does not end")

    @property
    def name(self) -> str:
        der = self.client.getpeercert(binary_form=True)
        assert der is not None
        return x509.dns_names(ssl.DER_cert_to_PEM_cert(der))[0]


def _step(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def shake(contexts: tls.ServerContexts, name: str | None = None, client: ssl.SSLContext | None = None) -> Shaken:
    return Shaken(contexts.context, client or tls.client_context(plan.UpstreamTls(verify=False)), name)


def served(contexts: tls.ServerContexts, name: str | None = None) -> str:
    return shake(contexts, name).name


def replace(old: plan.Certificate, new: plan.Certificate) -> None:
    os.replace(new.certificate, old.certificate)
    os.replace(new.key, old.key)


def test_the_certificate_is_chosen_by_server_name(tmp_path: Path) -> None:
    first, second = certificates.pair(tmp_path, "a.test"), certificates.pair(tmp_path, "b.test", "c.test")
    contexts = tls.ServerContexts([first, second], LOG)
    assert [served(contexts, name) for name in ("a.test", "b.test", "C.TEST")] == ["a.test", "b.test", "b.test"]


def test_clients_without_a_server_name_and_unknown_names_get_the_first_pair(tmp_path: Path) -> None:
    contexts = tls.ServerContexts([certificates.pair(tmp_path, name) for name in ("a.test", "b.test")], LOG)
    assert served(contexts, None) == "a.test"
    assert served(contexts, "unknown.test") == "a.test"


def test_a_wildcard_stands_for_one_label_and_an_exact_name_goes_first(tmp_path: Path) -> None:
    names = ("first.test", "*.b.test", "exact.b.test")
    contexts = tls.ServerContexts([certificates.pair(tmp_path, name) for name in names], LOG)
    assert served(contexts, "any.b.test") == "*.b.test"
    assert served(contexts, "exact.b.test") == "exact.b.test"
    assert served(contexts, "b.test") == "first.test"
    assert served(contexts, "deep.any.b.test") == "first.test"


def test_of_two_certificates_for_one_name_the_one_listed_first_is_served(tmp_path: Path) -> None:
    first = certificates.pair(tmp_path, "first.test", "both.test")
    second = certificates.pair(tmp_path, "second.test", "both.test")
    assert served(tls.ServerContexts([first, second], LOG), "both.test") == "first.test"


def test_http_1_1_is_what_is_negotiated(tmp_path: Path) -> None:
    shaken = shake(tls.ServerContexts([certificates.pair(tmp_path, "a.test")], LOG))
    assert shaken.client.selected_alpn_protocol() == "http/1.1"


def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        shake(tls.ServerContexts([certificates.pair(tmp_path, "a.test")], LOG), client=client)


def test_tls_1_2_has_forward_secrecy_and_no_compression(tmp_path: Path) -> None:
    client = tls.client_context(plan.UpstreamTls(verify=False))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    shaken = shake(tls.ServerContexts([certificates.pair(tmp_path, "a.test")], LOG), client=client)
    cipher = shaken.server.cipher()
    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")
    assert shaken.server.compression() is None


def test_nothing_changed_is_nothing_done(tmp_path: Path) -> None:
    contexts = tls.ServerContexts([certificates.pair(tmp_path, "a.test")], LOG)
    before = shake(contexts).server.context
    assert contexts.refresh() == []
    assert shake(contexts).server.context is before


def test_a_changed_pair_serves_new_connections_and_leaves_existing_ones_alone(tmp_path: Path) -> None:
    live = certificates.pair(tmp_path, "old.test")
    contexts = tls.ServerContexts([live], LOG)
    existing = shake(contexts)
    replace(live, certificates.pair(tmp_path, "new.test"))
    assert contexts.refresh() == []
    assert served(contexts) == "new.test"
    assert existing.name == "old.test"
    assert existing.server.write(b"still here") == 10


def test_only_the_pair_that_changed_is_loaded_again(tmp_path: Path) -> None:
    first, second = certificates.pair(tmp_path, "a.test"), certificates.pair(tmp_path, "b.test")
    contexts = tls.ServerContexts([first, second], LOG)
    untouched = shake(contexts, "a.test").server.context
    replace(second, certificates.pair(tmp_path, "c.test"))
    contexts.refresh()
    assert shake(contexts, "a.test").server.context is untouched
    assert served(contexts, "c.test") == "c.test"


def test_a_key_that_is_not_the_certificates_leaves_the_old_pair_and_is_reported_once(tmp_path: Path) -> None:
    live, other = certificates.pair(tmp_path, "old.test"), certificates.pair(tmp_path, "other.test")
    contexts = tls.ServerContexts([live], LOG)
    os.replace(other.certificate, live.certificate)
    (problem,) = contexts.refresh()
    assert "old.test.crt" in problem
    assert "the key is not this certificate's" in problem
    assert contexts.refresh() == []
    assert served(contexts) == "old.test"


def test_a_pair_replaced_in_two_steps_is_picked_up_with_the_second(tmp_path: Path) -> None:
    live, new = certificates.pair(tmp_path, "old.test"), certificates.pair(tmp_path, "new.test")
    contexts = tls.ServerContexts([live], LOG)
    os.replace(new.certificate, live.certificate)
    assert len(contexts.refresh()) == 1
    os.replace(new.key, live.key)
    assert contexts.refresh() == []
    assert served(contexts) == "new.test"


def test_files_that_are_gone_leave_the_old_pair_in_force(tmp_path: Path) -> None:
    live = certificates.pair(tmp_path, "a.test")
    contexts = tls.ServerContexts([live], LOG)
    os.remove(live.key)
    (problem,) = contexts.refresh()
    assert "No such file" in problem
    assert served(contexts) == "a.test"


def test_a_session_is_resumed_after_a_change_of_certificate(tmp_path: Path) -> None:
    live = certificates.pair(tmp_path, "old.test")
    contexts = tls.ServerContexts([live], LOG)
    client = tls.client_context(plan.UpstreamTls(verify=False))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    session = shake(contexts, "old.test", client).client.session
    replace(live, certificates.pair(tmp_path, "new.test"))
    contexts.refresh()
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    again = client.wrap_bio(to_client, to_server, server_hostname="old.test", session=session)
    server = contexts.context.wrap_bio(to_server, to_client, server_side=True)
    ends = [again, server]
    while ends:
        ends = [end for end in ends if not _step(end)]
    assert again.session_reused


@pytest.mark.parametrize("content", [b"", b"not PEM\n", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"])
@pytest.mark.parametrize("file", ["certificate", "key"])
def test_a_bad_file_at_the_start_is_an_error_that_names_both(tmp_path: Path, content: bytes, file: str) -> None:
    bad = certificates.pair(tmp_path, "a.test")
    Path(getattr(bad, file)).write_bytes(content)
    with pytest.raises(tls.TlsFault, match=r"a\.test\.crt with key .*a\.test\.key: ..."):
        tls.ServerContexts([bad], LOG)


def test_an_encrypted_key_is_refused_instead_of_asked_for(tmp_path: Path) -> None:
    pair = certificates.pair(tmp_path, "a.test")
    Path(pair.key).write_bytes(certificates.key_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"))
    with pytest.raises(tls.TlsFault, match="without a passphrase"):
        tls.ServerContexts([pair], LOG)


def test_a_listener_without_certificates_is_an_error() -> None:
    with pytest.raises(tls.TlsFault, match="at least one"):
        tls.ServerContexts([], LOG)


def test_an_upstream_is_verified_against_its_ca_file(tmp_path: Path) -> None:
    pair = certificates.pair(tmp_path, "up.test")
    contexts = tls.ServerContexts([pair], LOG)
    client = tls.client_context(plan.UpstreamTls(ca_file=pair.certificate))
    assert shake(contexts, "up.test", client).client.getpeercert()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(contexts, "else.test", client)


def test_an_upstream_of_an_unknown_authority_is_refused_by_default(tmp_path: Path) -> None:
    contexts = tls.ServerContexts([certificates.pair(tmp_path, "up.test")], LOG)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(contexts, "up.test", tls.client_context(plan.UpstreamTls()))


def test_an_expired_upstream_is_refused_unless_verification_is_off(tmp_path: Path) -> None:
    pair = certificates.pair(tmp_path, "up.test", days=-1)
    contexts = tls.ServerContexts([pair], LOG)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(contexts, "up.test", tls.client_context(plan.UpstreamTls(ca_file=pair.certificate)))
    assert served(contexts, "up.test") == "up.test"


def test_a_ca_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(tls.TlsFault, match=r"missing\.pem"):
        tls.client_context(plan.UpstreamTls(ca_file=str(tmp_path / "missing.pem")))
