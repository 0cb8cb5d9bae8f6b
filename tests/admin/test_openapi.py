"""The OpenAPI document and the code say the same; real answers are what it promises."""
import asyncio
import time
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
from admin.whole_api import DELIBERATION, make_app
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin import openapi
from gateway.admin.schemas import SCHEMAS

DOCUMENT = openapi.document()


def test_the_document_is_openapi() -> None:
    openapi_spec_validator.validate(DOCUMENT)


def test_every_route_is_in_the_document_and_the_other_way_round(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    registered = {(route.method.lower(), route.resource.canonical) for route in app.router.routes()
                  if route.method != "HEAD" and route.resource is not None}
    described = {(method, path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert registered == described


def test_every_schema_is_used() -> None:
    text = str(DOCUMENT)
    assert [name for name in SCHEMAS if f"/schemas/{name}'" not in text] == []


def test_bodies_that_are_described_are_those_that_the_code_knows() -> None:
    from gateway.admin.incidents_api import DEEDS

    for name, (_, known) in DEEDS.items():
        operation = DOCUMENT["paths"][f"/v1/incidents/{{id}}/{name}"]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert set(SCHEMAS[schema]["properties"]) == {*known, "actor"}


ASKED: list[tuple[str, str, Any, int]] = [
    ("get", "/healthz", None, 200), ("get", "/readyz", None, 503), ("get", "/v1/openapi.json", None, 200),
    ("get", "/v1/status", None, 200), ("get", "/v1/config", None, 200),
    ("get", "/v1/revisions?limit=1", None, 200), ("get", "/v1/revisions/1", None, 200),
    ("get", "/v1/revisions/99", None, 404), ("get", "/v1/revisions?before=x", None, 400),
    ("post", "/v1/config/diff", {"documents": {"a.yaml": "version: 1\n"}}, 422),
    ("post", "/v1/config/rollback", {"to": 77}, 404), ("post", "/v1/config/rollback", {"of": 77}, 400),
    ("post", "/v1/isolations", {"target": "route:orders", "reason": "a test", "ttl": "5m"}, 201),
    ("post", "/v1/isolations", {"target": "route:nowhere", "reason": "a test"}, 404),
    ("get", "/v1/isolations", None, 200), ("get", "/v1/isolations?all=true", None, 200),
    ("get", "/v1/isolations/1", None, 200), ("get", "/v1/reach?target=route:orders", None, 200),
    ("get", "/v1/reach?target=route:nowhere", None, 404), ("delete", "/v1/isolations/1", None, 200),
    ("post", "/v1/breakers/api", {"state": "open", "reason": "a test"}, 201), ("get", "/v1/breakers", None, 200),
    ("post", "/v1/faults", {"kind": "status", "upstream": "api", "for": "1m", "reason": "a drill"}, 201),
    ("post", "/v1/faults", {"kind": "status", "route": "nowhere", "reason": "a drill"}, 404),
    ("post", "/v1/faults", {"kind": "status", "reason": "a drill"}, 400),
    ("get", "/v1/faults", None, 200), ("delete", "/v1/faults/1", None, 200), ("delete", "/v1/faults/1", None, 404),
    ("post", "/v1/drills", {"scenario": "one", "passed": True, "checks": [
        {"step": "detect", "seconds": 1.5, "limit": None, "passed": True}], "traffic": {"asked": 9}}, 201),
    ("post", "/v1/drills", {"passed": True}, 400), ("post", "/v1/drills", {"scenario": "one", "checks": [7]}, 400),
    ("get", "/v1/drills", None, 200), ("get", "/v1/drills?limit=x", None, 400),
    ("get", "/v1/requests", None, 200), ("get", "/v1/requests?method=NOPE", None, 400),
    ("post", "/v1/reports", {"target": "route:orders", "words": "odd"}, 201), ("get", "/v1/signals", None, 200),
    ("get", "/v1/incidents", None, 200), ("get", "/v1/incidents?all=true", None, 200),
    ("get", "/v1/incidents/1", None, 200), ("post", "/v1/incidents/1/ack", None, 200),
    ("post", "/v1/incidents/1/comment", {"words": "I look"}, 200), ("post", "/v1/incidents/9/ack", None, 404),
    ("post", "/v1/incidents/1/review", None, 409), ("post", "/v1/incidents/1/resolve", {"words": "done"}, 200),
    ("get", "/v1/incidents/1/report", None, 200), ("get", "/v1/incidents/9/report", None, 404),
    ("get", "/v1/incidents/1/report?format=pdf", None, 400),
    ("patch", "/v1/incidents/1/report", {"lessons": {"well": ["it was quick"]}}, 200),
    ("patch", "/v1/incidents/1/report", {"items": [{"text": "x", "owner": "ann", "due": "2026-12-01"}]}, 200),
    ("patch", "/v1/incidents/1/report", {"lessons": {"odd": []}}, 400), ("patch", "/v1/incidents/1/report", {}, 400),
    ("get", "/v1/incidents/1/proposals", None, 200), ("get", "/v1/incidents/9/proposals", None, 404),
    ("post", "/v1/incidents/1/proposals/1/decline", {"reason": "no"}, 404),
    ("post", "/v1/incidents/1/proposals/1/decline", {}, 400), ("post", "/v1/incidents/1/proposals/1/accept", {}, 404),
    ("post", "/v1/incidents/1/report/sign", {"function": "operations"}, 200),
    ("post", "/v1/incidents/1/report/sign", {"function": "operations"}, 409), ("get", "/v1/action-items", None, 200),
    ("post", "/v1/deploys", {"words": "orders 2", "scope": {"upstream": "api"}}, 201),
    ("get", "/v1/incidents/1/actions", None, 200), ("get", "/v1/incidents/99/actions", None, 404),
    ("post", "/v1/incidents/1/actions/7/force", {"reason": "why"}, 404),
    ("post", "/v1/incidents/1/actions/7/undo", {"reason": "why", "ttl": "1h"}, 400),
    ("get", "/v1/deploys", None, 200),
    ("post", "/v1/maintenance", {"target": "route:orders", "reason": "moving"}, 201),
    ("get", "/v1/maintenance", None, 200), ("delete", "/v1/maintenance/1", None, 200),
    ("get", "/v1/audit?limit=2", None, 200), ("get", "/v1/audit/verify", None, 200),
    ("get", "/v1/targets", None, 200), ("get", "/v1/explain?path=/orders/7&client=192.0.2.7", None, 200),
    ("get", "/v1/explain?path=orders", None, 400), ("get", f"/v1/explain/{'0' * 32}", None, 404),
    ("get", "/v1/traffic?target=route:orders", None, 200), ("get", "/v1/traffic?target=route:nowhere", None, 400),
    ("get", "/v1/nothing", None, 404), ("put", "/v1/config", {}, 405),
]


def test_answers_are_what_the_document_promises(tmp_path: Path) -> None:
    async def run() -> None:
        app = make_app(tmp_path)
        async with TestClient(TestServer(app)) as client:
            app[DELIBERATION].try_turn(time.time_ns() - 10**9)
            for method, path, body, status in ASKED:
                if path == "/v1/incidents":
                    app[DELIBERATION].try_turn(time.time_ns())
                if path == "/v1/incidents/1/report" and method == "get":
                    for seconds in (20, 30):            # begins to recall it, then drafts it
                        app[DELIBERATION].reporting.turn(time.time_ns() + seconds * 10**9)
                answer = await client.request(method, path, json=body)
                assert answer.status == status, (method, path, await answer.text())
                check(method, path, answer.status, answer.content_type, await answer.json(content_type=None))

    asyncio.run(run())


def check(method: str, path: str, status: int, media: str, document: Any) -> None:
    """Against the schema that is promised for this answer; what no path has is a problem document."""
    operation = operation_of(method, path.partition("?")[0])
    schema: dict[str, Any] = {"$ref": "#/components/schemas/Problem"}
    if operation is not None:
        promised = operation["responses"][str(status)]["content"]
        assert media in promised, (method, path, status)
        schema = promised[media]["schema"]
    else:
        assert media == "application/problem+json"
    jsonschema.validate(document, schema | {"components": DOCUMENT["components"]})


def operation_of(method: str, path: str) -> Any:
    for template, item in DOCUMENT["paths"].items():
        parts, given = template.split("/"), path.split("/")
        if method in item and len(parts) == len(given) and all(
                part == other or part.startswith("{") for part, other in zip(parts, given, strict=True)):
            return item[method]
    return None


@pytest.mark.parametrize("path", ["/", "/static/app.css", "/v1/status", "/v1/nothing"])
def test_every_answer_tells_a_browser_to_load_and_frame_nothing_else(tmp_path: Path, path: str) -> None:
    async def run() -> None:
        async with TestClient(TestServer(make_app(tmp_path))) as client:
            answer = await client.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    asyncio.run(run())


@pytest.mark.parametrize(("path", "body"), [
    ("/v1/incidents/1/merge", {"into": 2**70}), ("/v1/incidents/1/merge", {"into": -1}),
    ("/v1/incidents/1/merge", {"into": True}), ("/v1/config/rollback", {"to": 2**70}),
])
def test_a_number_that_nothing_can_have_is_not_understood(tmp_path: Path, path: str, body: dict[str, Any]) -> None:
    """Found by schemathesis: SQLite has no room for it."""
    async def run() -> int:
        async with TestClient(TestServer(make_app(tmp_path))) as client:
            return (await client.post(path, json=body)).status

    assert asyncio.run(run()) == 400


def test_a_fault_of_ours_is_a_problem_document_and_in_the_log(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> tuple[int, str]:
        app = make_app(tmp_path)
        app[DELIBERATION].status = None                 # type: ignore[method-assign, assignment]
        async with TestClient(TestServer(app)) as client:
            answer = await client.get("/v1/status")
            return answer.status, answer.content_type

    assert asyncio.run(run()) == (500, "application/problem+json")
    assert "GET /v1/status cannot be answered" in caplog.text
