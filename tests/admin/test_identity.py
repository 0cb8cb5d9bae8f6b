"""Who may ask the admin API for what."""
import asyncio
from pathlib import Path
from typing import Any

import pytest
from admin.test_api import make_board
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin import api, identity
from gateway.admin.identity import Caller, Denied, Guard
from gateway.model.role import Role
from gateway.record.tokens import TokenFile

SECOND = 1_000_000_000


def denied(guard: Guard, authorization: str | None, address: str = "10.0.0.9", now: int = 0) -> int:
    with pytest.raises(Denied) as refusal:
        guard.caller(authorization, address, address == "127.0.0.1", now)
    return refusal.value.status


def test_without_tokens_only_this_machine_may_ask(tmp_path: Path) -> None:
    guard = Guard(TokenFile(tmp_path))
    assert guard.caller(None, "127.0.0.1", True, 0) == Caller("loopback", Role.ADMIN)
    assert denied(guard, None) == 403


def test_with_a_token_everybody_needs_one(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path)
    text = tokens.add("ann", Role.OPERATOR, 0)
    guard = Guard(tokens)
    assert guard.caller(f"Bearer {text}", "10.0.0.9", False, 0) == Caller("ann", Role.OPERATOR)
    assert denied(guard, None, "127.0.0.1") == 401
    assert denied(guard, f"Basic {text}") == 401
    assert denied(guard, "Bearer gw_wrong") == 401


def test_an_address_with_many_wrong_tokens_is_locked_out_for_a_minute(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path)
    right = f"Bearer {tokens.add('ann', Role.VIEWER, 0)}"
    guard = Guard(tokens)
    for second in range(identity.FAILURES):
        assert denied(guard, "Bearer gw_guess", now=second * SECOND) == 401
    assert denied(guard, right, now=10 * SECOND) == 429
    assert guard.caller(right, "10.0.0.10", False, 10 * SECOND).name == "ann"
    assert guard.caller(right, "10.0.0.9", False, 61 * SECOND).name == "ann"


def test_the_table_of_failures_is_bounded(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path)
    tokens.add("ann", Role.VIEWER, 0)
    guard = Guard(tokens)
    for number in range(identity.ADDRESSES_MOST + 50):
        denied(guard, "Bearer gw_guess", f"10.1.{number // 256}.{number % 256}")
    assert len(guard._failures) == identity.ADDRESSES_MOST


def test_a_token_file_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("{")
    assert denied(Guard(TokenFile(tmp_path)), None, "127.0.0.1") == 503


@pytest.mark.parametrize(("method", "path", "least"), [
    ("GET", "/v1/config", Role.VIEWER), ("POST", "/v1/config/diff", Role.VIEWER),
    ("POST", "/v1/isolations", Role.OPERATOR), ("DELETE", "/v1/isolations/3", Role.OPERATOR),
    ("POST", "/v1/config", Role.ADMIN), ("POST", "/v1/config/rollback", Role.ADMIN),
])
def test_each_request_takes_a_least_role(method: str, path: str, least: Role) -> None:
    assert identity.needed(method, path) is least
    for role in Role:
        if role < least:
            with pytest.raises(Denied, match="takes an"):
                identity.check(Caller("ann", role), method, path)
        else:
            identity.check(Caller("ann", role), method, path)


def test_over_the_wire_a_viewer_looks_and_health_is_open(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path)
    viewer = {"Authorization": f"Bearer {tokens.add('screen', Role.VIEWER, 0)}"}

    async def ask() -> list[int]:
        app: Any = api.make_app(make_board(), tokens=tokens)
        async with TestClient(TestServer(app)) as client:
            answers = [await client.get("/healthz"), await client.get("/metrics"),
                       await client.get("/metrics", headers=viewer),
                       await client.post("/v1/isolations", headers=viewer, json={}),
                       await client.get("/v1/status", headers=viewer | {"Host": "evil.example"})]
            assert answers[1].headers["WWW-Authenticate"].startswith("Bearer")
            return [each.status for each in answers]

    assert asyncio.run(ask()) == [200, 401, 200, 403, 403]
