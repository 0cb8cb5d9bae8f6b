"""Who gets where: each operation of the OpenAPI document, asked by everybody who might."""
import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from admin.whole_api import make_app
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin import identity, openapi
from gateway.admin.config_api import RELOADER
from gateway.admin.openapi import OPERATIONS, Operation
from gateway.model.role import Role
from gateway.record.tokens import TokenFile

CLOSED = [each for each in OPERATIONS if not each.is_open]
ENDLESS = {"/v1/events"}                # an answer that goes on for ever; it is asked for where it must be refused
Client = TestClient[Any, Any]


def url(operation: Operation) -> str:
    return re.sub(r"\{[^}]+\}", "1", operation.path)


def needed(operation: Operation) -> Role:
    return identity.needed(operation.method.upper(), url(operation))


async def status(client: Client, operation: Operation, **fields: str) -> int:
    """Of a request that would change something if it got through: a body of an object, and nothing in it."""
    body: dict[str, Any] = {"json": {}} if operation.body else {}
    answer = await client.request(operation.method, url(operation), headers=fields, **body)
    answer.close()
    return answer.status


def asked(folder: Path, operations: list[Operation], **fields: str) -> dict[str, int]:
    """`method path` -> status; nothing may have been written down."""
    async def run() -> dict[str, int]:
        app = make_app(folder)
        before = len(app[RELOADER].store().audit(1000))
        async with TestClient(TestServer(app)) as client:
            found = {f"{each.method} {each.path}": await status(client, each, **fields) for each in operations}
            assert len(app[RELOADER].store().audit(1000)) == before
            return found

    return asyncio.run(run())


def token(folder: Path, role: Role) -> str:
    return f"Bearer {TokenFile(folder).add(role.name.lower(), role, 0)}"


def test_the_document_names_what_is_open_and_no_more() -> None:
    assert {each.path for each in OPERATIONS if each.is_open} == {"/", "/static/{name}", "/healthz", "/readyz"}
    for each in CLOSED:
        assert "401" in openapi.document()["paths"][each.path][each.method]["responses"]


def test_without_a_token_everything_is_closed(tmp_path: Path) -> None:
    token(tmp_path, Role.VIEWER)
    assert set(asked(tmp_path, CLOSED).values()) == {401}


def test_with_a_token_that_is_none_everything_is_closed(tmp_path: Path) -> None:
    token(tmp_path, Role.VIEWER)
    assert set(asked(tmp_path, CLOSED, Authorization="Bearer gw_guess").values()) <= {401, 429}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_role_gets_no_further_than_it_may(tmp_path: Path, role: Role) -> None:
    above = [each for each in CLOSED if needed(each) > role]
    assert above
    assert set(asked(tmp_path, above, Authorization=token(tmp_path, role)).values()) == {403}


def test_a_viewer_changes_nothing_with_what_it_may_do(tmp_path: Path) -> None:
    mine = [each for each in CLOSED if each.path not in ENDLESS and needed(each) is Role.VIEWER]
    found = asked(tmp_path, mine, Authorization=token(tmp_path, Role.VIEWER))
    assert not {401, 403, 500} & set(found.values()), found


@pytest.mark.parametrize("fields", [
    {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:9900"}, {"Origin": "https://evil.example"},
    {"Origin": "null"}, {"Origin": "http://localhost.evil.example:9900"},
], ids=lambda fields: ",".join(map(": ".join, fields.items())))
def test_a_forged_host_or_origin_gets_nowhere_with_any_token(tmp_path: Path, fields: dict[str, str]) -> None:
    found = asked(tmp_path, list(OPERATIONS), Authorization=token(tmp_path, Role.ADMIN), **fields)
    assert set(found.values()) == {403}, found


def test_a_form_that_a_web_page_sends_changes_nothing(tmp_path: Path) -> None:
    async def run() -> set[int]:
        async with TestClient(TestServer(make_app(tmp_path))) as client:
            return {(await client.request(each.method, url(each), data={"target": "route:orders"})).status
                    for each in CLOSED if each.body}

    assert asyncio.run(run()) == {415}
