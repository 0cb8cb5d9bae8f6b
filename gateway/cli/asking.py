"""How a command asks a running gateway: one request to its admin address, the answer as plain values.

Exit codes of every command that asks: 0 done, 1 refused or no gateway answers (stderr says which), 2 wrong usage.
"""

import http.client
import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

import click

TIMEOUT_SECONDS = 30.0                  # a change of the config may wait five seconds for each of two steps

admin_option = click.option("--admin", metavar="ADDRESS", default="127.0.0.1:9900", envvar="GATEWAY_ADMIN",
                            show_default=True, help="The admin address of the gateway.")


TOKEN = "GATEWAY_TOKEN"                 # noqa: S105 - the name of an environment variable; arguments show in `ps`


def ask(admin: str, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    """The answer to a GET, or with a body to a POST; a refusal is shown, and ends the command with 1.

    The token, where the gateway wants one, is that of the environment's GATEWAY_TOKEN.
    """
    data = None if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json"}
    if token := os.environ.get(TOKEN):
        fields["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"http://{admin}{path}", data, fields, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        click.echo(_told(error), err=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        click.echo(f"no gateway answers at {admin}: {error}; give its admin address with --admin", err=True)
    sys.exit(1)


def _told(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError):
        return f"the gateway answered {error.code}"
