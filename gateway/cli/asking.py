"""How a command asks a running gateway: one request to its admin address, the answer as plain values."""

import contextlib
import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from gateway.cli import exits, printing

TIMEOUT_SECONDS = 30.0                  # a change of the config may wait five seconds for each of two steps
TOKEN = "GATEWAY_TOKEN"                 # noqa: S105 - the name of an environment variable; arguments show in `ps`
ADMIN, ADMIN_VARIABLE = "127.0.0.1:9900", "GATEWAY_ADMIN"
UNIX = "unix:"
PEEK_SECONDS = 1.0

admin_option = click.option("--admin", metavar="ADDRESS", default=ADMIN, envvar=ADMIN_VARIABLE,
                            show_default=True, help="The admin address of the gateway: host:port or unix:/path.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def ask(admin: str, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    """The answer to a GET, or with a body to a POST; a refusal is shown, and ends the command with 1.

    The token, where the gateway wants one, is that of the environment's GATEWAY_TOKEN.
    """
    with _refusals(admin), contextlib.closing(_connection(admin)) as connection:
        answer = _sent(connection, path, body, method)
        return json.load(answer)


def listen(admin: str, path: str) -> Iterator[tuple[str, Any]]:
    """(kind, data) of each server-sent event, for ever; its end is shown, and ends the command with 1."""
    with _refusals(admin), contextlib.closing(_connection(admin)) as connection:
        answer, kind = _sent(connection, path, None, None), ""
        while line := answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)
        raise ConnectionError("it has ended the connection")


def peek(admin: str, path: str) -> Any:
    """The answer to a GET, or None; says nothing, as a shell asks while somebody types."""
    with (contextlib.suppress(OSError, http.client.HTTPException, ValueError),
          contextlib.closing(_connection(admin, PEEK_SECONDS)) as connection):
        answer = _answer(connection, path)
        return json.load(answer) if answer.status == http.HTTPStatus.OK else None
    return None


def default_admin() -> str:
    return os.environ.get(ADMIN_VARIABLE, ADMIN)


def told(answer: Any, as_json: bool, words: str) -> None:
    """Print an answer: as it is for scripts, or in words."""
    if as_json:
        printing.json_document(answer)
    else:
        click.echo(words)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(admin: str, seconds: float = TIMEOUT_SECONDS) -> http.client.HTTPConnection:
    if admin.startswith(UNIX):
        return _UnixConnection(admin.removeprefix(UNIX), seconds)
    return http.client.HTTPConnection(admin, timeout=seconds)


def _sent(connection: http.client.HTTPConnection, path: str, body: dict[str, Any] | None,
          method: str | None) -> http.client.HTTPResponse:
    answer = _answer(connection, path, body, method)
    if answer.status >= 300:
        _end(_detail(answer))
    return answer


def _answer(connection: http.client.HTTPConnection, path: str, body: dict[str, Any] | None = None,
            method: str | None = None) -> http.client.HTTPResponse:
    fields = {"Content-Type": "application/json"}
    if token := os.environ.get(TOKEN):
        fields["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    connection.request(method or ("GET" if body is None else "POST"), path, data, fields)
    return connection.getresponse()


def _detail(answer: http.client.HTTPResponse) -> str:
    try:
        return str(json.load(answer)["detail"])
    except (ValueError, KeyError):
        return f"the gateway answered {answer.status}"


@contextlib.contextmanager
def _refusals(admin: str) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        _end(f"no gateway answers at {admin}: {error}; start one with `gateway run`, or give the admin address of "
             f"yours with --admin or {ADMIN_VARIABLE}")


def _end(words: str) -> NoReturn:
    printing.failed(words)
    sys.exit(exits.FAILED)
