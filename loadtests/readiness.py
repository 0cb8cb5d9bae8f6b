"""One checked request: is a proxy up, and does it answer what the load expects?

The load generator only counts; here status and length are looked at, before and after every measurement.
"""

import http.client
import socket
import ssl

from loadtests import scenarios
from loadtests.errors import FailedRequestsError


def answers(port: int, scenario: scenarios.Scenario, tls: bool = False) -> bool:
    """True once a right answer came; a refused connection or another answer is not an error yet."""
    try:
        check(port, scenario, tls)
    except (OSError, http.client.HTTPException, FailedRequestsError):
        return False
    return True


def check(port: int, scenario: scenarios.Scenario, tls: bool = False) -> None:
    """Raises FailedRequestsError on any other answer than 200 with the whole body, OSError when there is none."""
    connection = _connect(port, tls)
    try:
        connection.request("GET", scenario.target, headers=dict(scenarios.REQUEST_HEADERS))
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200 or len(body) != scenario.body:
        raise FailedRequestsError(
            f"port {port} answered {scenario.target} with {response.status} and {len(body)} bytes, "
            f"expected 200 and {scenario.body}: {body[:200]!r}")


def cipher(port: int) -> str:
    """The protocol and cipher that a client with OpenSSL's defaults, as wrk is, gets there."""
    with (socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
          _trusting().wrap_socket(plain) as secured):
        chosen = secured.cipher()
    return f"{chosen[1]} {chosen[0]}" if chosen else "none"


def _connect(port: int, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=_trusting())


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the run's own certificate, on loopback
    return context
