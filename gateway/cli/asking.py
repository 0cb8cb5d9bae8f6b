"""How a command asks a running gateway: one request to its admin address, the answer as plain values.

Exit codes of every command that asks: 0 done, 1 refused or no gateway answers (stderr says which), 2 wrong usage.
"""

import contextlib
import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

TIMEOUT_SECONDS = 30.0                  # a change of the config may wait five seconds for each of two steps
TOKEN = "GATEWAY_TOKEN"                 # noqa: S105 - the name of an environment variable; arguments show in `ps`
UNIX = "unix:"

admin_option = click.option("--admin", metavar="ADDRESS", default="127.0.0.1:9900", envvar="GATEWAY_ADMIN",
                            show_default=True, help="The admin address of the gateway: host:port or unix:/path.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, for scripts.")


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


def told(answer: Any, as_json: bool, words: str) -> None:
    """Print an answer: as it is for scripts, or in words."""
    click.echo(json.dumps(answer, indent=2) if as_json else words)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(self._path)


def _connection(admin: str) -> http.client.HTTPConnection:
    if admin.startswith(UNIX):
        return _UnixConnection(admin.removeprefix(UNIX))
    return http.client.HTTPConnection(admin, timeout=TIMEOUT_SECONDS)


def _sent(connection: http.client.HTTPConnection, path: str, body: dict[str, Any] | None,
          method: str | None) -> http.client.HTTPResponse:
    fields = {"Content-Type": "application/json"}
    if token := os.environ.get(TOKEN):
        fields["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    connection.request(method or ("GET" if body is None else "POST"), path, data, fields)
    answer = connection.getresponse()
    if answer.status >= 300:
        _end(_detail(answer))
    return answer


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
        _end(f"no gateway answers at {admin}: {error}; give its admin address with --admin")


def _end(words: str) -> NoReturn:
    click.echo(words, err=True)
    sys.exit(1)
