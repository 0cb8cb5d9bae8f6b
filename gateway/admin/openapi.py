"""The OpenAPI 3.1 document of the admin API. OPERATIONS is the table; a test holds it to what is registered.

Errors are `application/problem+json` (RFC 9457). Which role an operation takes is asked of `identity`, so that the
document cannot say another one.
"""

import functools
from dataclasses import dataclass
from typing import Any

from gateway import __version__
from gateway.admin import identity
from gateway.admin.schemas import SCHEMAS, ref

JSON, PROBLEM, EVENTS = "application/json", "application/problem+json", "text/event-stream"
MEANINGS = {
    200: "Done", 201: "Made; it is on the disk and in force", 304: "Not changed",
    400: "Not understood; the detail says what to write", 401: "A token is needed, or this one is not known",
    403: "This Host, Origin or role may not", 404: "There is none",
    408: "The body did not come in time", 409: "Not in its present state, or no room for more",
    412: "Somebody else was quicker: look again", 413: "The body is larger than 1 MiB", 415: "Send JSON",
    422: "The config is refused; each mistake is located", 429: "Too many wrong tokens from this address",
    503: "Cannot be answered now", 507: "The disk is full",
}
OF_ANY = (401, 403, 429, 503)
OF_A_BODY = (400, 408, 413, 415, 507)

PARAMETERS: dict[str, dict[str, Any]] = {
    name: {"name": name, "in": "query", "description": words, "schema": schema}
    for name, words, schema in (
        ("limit", "how many at most", {"type": "integer", "minimum": 1, "maximum": 1000}),
        ("before", "the cursor: `next` of the page before", {"type": "integer", "minimum": 0}),
        ("all", "those that are over too", {"enum": ["true", "false"]}),
        ("target", "route:NAME, upstream:NAME, endpoint:UPSTREAM/ADDRESS or client:ADDRESS", {"type": "string"}),
        ("noted", "a hash that was the last one earlier", {"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        ("seconds", "how far back", {"type": "integer", "minimum": 1, "maximum": 900}),
        ("since", "not older than this, such as 5m", {"type": "string"}),
        ("since_ns", "UTC nanoseconds", {"type": "integer"}), ("before_ns", "UTC nanoseconds", {"type": "integer"}),
        *((name, "UTC nanoseconds", {"type": "integer"})
          for name in ("until_ns", "before_since_ns", "before_until_ns")),
        ("slow", "what is slow, not what fails", {"enum": ["true", "false"]}),
        ("status", "a status, or a class such as 5xx", {"type": "string"}),
        ("path", "of a request, or how it begins", {"type": "string"}), ("host", "of the request", {"type": "string"}),
        ("header", "NAME: VALUE; may be repeated", {"type": "array", "items": {"type": "string"}}),
        ("request_id", "32 hex digits", {"type": "string"}),
        ("format", "how it is written", {"enum": ["json", "md", "html"]}),
        ("fallback", "only where a fallback answered, or only the others", {"enum": ["true", "false"]}),
        *((name, f"of this {name}", {"type": "string"})
          for name in ("route", "upstream", "endpoint", "method", "decision", "client")),
    )}
NUMBERED = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1, "examples": [1]}
NUMBERS = ("id", "number", "action", "proposal")
PAGED = ("limit", "before")
FILTERS = ("route", "upstream", "endpoint", "status", "method", "decision", "client", "path", "request_id", "fallback",
           "since", "since_ns", "before_ns", "limit")
ASKED = ("path", "method", "host", "client", "header")
IF_MATCH = {"name": "If-Match", "in": "header", "description": "the ETag of /v1/config that you have seen",
            "schema": {"type": "string"}}
IF_MATCH_VERSION = {"name": "If-Match", "in": "header", "description": "the ETag of the report that you have seen",
                    "schema": {"type": "string"}}
LAST_EVENT = {"name": "Last-Event-ID", "in": "header", "description": "the last event that you have seen",
              "schema": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer`, `body`: names of schemas, or a media type where the answer is no JSON."""

    method: str
    path: str
    summary: str
    answer: str
    query: tuple[str, ...] = ()
    body: str = ""
    problems: tuple[int, ...] = ()
    status: int = 200
    headers: tuple[dict[str, Any], ...] = ()
    may_be_empty: bool = False

    @property
    def is_open(self) -> bool:
        return self.path in identity.OPEN or self.path == "/static/{name}"


def _deed(name: str, summary: str, body: str) -> Operation:
    return Operation("post", f"/v1/incidents/{{id}}/{name}", summary, "Incident", body=body, problems=(404, 409),
                     may_be_empty=body == "Acknowledge")


def _order(name: str, summary: str, body: str) -> Operation:
    return Operation("post", f"/v1/incidents/{{id}}/actions/{{action}}/{name}", summary, "Action", body=body,
                     problems=(404, 409))


OPERATIONS = (
    Operation("get", "/", "The dashboard", "text/html"),
    Operation("get", "/static/{name}", "Its files", "text/javascript", problems=(404,)),
    Operation("get", "/healthz", "Does this process answer?", "Health"),
    Operation("get", "/readyz", "Does a worker serve?", "Readiness", problems=(503,)),
    Operation("get", "/metrics", "Metrics for Prometheus", "text/plain"),
    Operation("get", "/v1/openapi.json", "This document", "Document"),
    Operation("get", "/v1/status", "What the gateway does now, and why", "Status"),
    Operation("get", "/v1/events", "Everything live: server-sent events, first what was missed", EVENTS,
              headers=(LAST_EVENT,)),
    Operation("get", "/v1/targets", "Routes and upstreams with every safeguard, its state and why", "Targets"),
    Operation("get", "/v1/traffic", "A target second by second", "Traffic", ("target", "seconds"), problems=(400,)),
    Operation("get", "/v1/requests", "Look through the flight recorder", "Requests", FILTERS, problems=(400,)),
    Operation("get", "/v1/requests/compare", "Where the failures are that one span has more than another", "Comparison",
              ("since_ns", "until_ns", "before_since_ns", "before_until_ns", "slow"), problems=(400, 409)),
    Operation("get", "/v1/explain", "Why a request would be answered as it is", "Explanation", ASKED, problems=(400,)),
    Operation("get", "/v1/explain/{request_id}", "What was recorded of a request, and how it would be decided now",
              "Explanation", problems=(404,)),
    Operation("get", "/v1/config", "What is served", "Config"),
    Operation("post", "/v1/config", "Check a config and serve it", "Applied", body="Apply", problems=(412, 422),
              headers=(IF_MATCH,)),
    Operation("post", "/v1/config/diff", "What applying a config would change", "Differences", body="Candidate",
              problems=(422,)),
    Operation("post", "/v1/config/replay", "What a config would have decided differently about recorded requests",
              "Replayed", body="ReplayOf", problems=(400, 422)),
    Operation("post", "/v1/config/rollback", "Serve an earlier revision again", "Applied", body="Rollback",
              problems=(404, 412, 422), headers=(IF_MATCH,)),
    Operation("get", "/v1/revisions", "Revisions, the latest first", "Revisions", PAGED, problems=(400,)),
    Operation("get", "/v1/revisions/{number}", "A revision with its text and diff", "Revision", problems=(404,)),
    Operation("get", "/v1/audit", "Who did what, the latest first", "AuditEntries", PAGED, problems=(400,)),
    Operation("get", "/v1/audit/verify", "Is the chain of hashes whole?", "AuditVerdict", ("noted",),
              problems=(400,)),
    Operation("post", "/v1/isolations", "Isolate a target for a time", "Isolation", body="Isolate",
              problems=(404, 409), status=201),
    Operation("get", "/v1/isolations", "What is isolated", "Isolations", ("all", *PAGED), problems=(400,)),
    Operation("get", "/v1/isolations/{number}", "An isolation, in force or over", "Isolation", problems=(404,)),
    Operation("delete", "/v1/isolations/{number}", "Release it", "Isolation", body="Release", problems=(404,),
              may_be_empty=True),
    Operation("get", "/v1/reach", "The share of traffic that isolating a target would touch", "Reach", ("target",),
              problems=(400, 404)),
    Operation("get", "/v1/breakers", "Breakers that are forced by hand", "Breakers"),
    Operation("post", "/v1/breakers/{upstream}", "Force a breaker for a time, or leave it to itself", "Breaker",
              body="ForceBreaker", problems=(404, 409), status=201),
    Operation("post", "/v1/drills", "Keep what a drill saw: `gateway drill` does", "Drill", body="RunDrill",
              status=201),
    Operation("get", "/v1/drills", "Drills that were run", "Drills", PAGED, problems=(400,)),
    Operation("post", "/v1/faults", "Inject a fault for a drill, where the config has drills enabled", "Fault",
              body="Inject", problems=(404, 409), status=201),
    Operation("get", "/v1/faults", "Which faults are injected", "Faults"),
    Operation("delete", "/v1/faults/{number}", "Stop it", "Fault", body="Release", problems=(404,), may_be_empty=True),
    Operation("get", "/v1/incidents", "Incidents that are open, or all", "Incidents", ("all", *PAGED), problems=(400,)),
    Operation("get", "/v1/incidents/{id}", "An incident as a story", "IncidentStory", problems=(404,)),
    _deed("ack", "Somebody looks at it: repeated alerts end", "Acknowledge"),
    _deed("assign", "Give it to somebody", "Assign"),
    _deed("comment", "Add a line to its timeline", "Words"),
    _deed("merge", "Let it go on as another one", "Merge"),
    _deed("split", "Let some targets go on as an incident of their own", "Split"),
    _deed("resolve", "It is over, and why", "Words"),
    _deed("reopen", "It is not over, and why", "Words"),
    _deed("review", "Its post-mortem is done", "Acknowledge"),
    Operation("get", "/v1/incidents/{id}/report", "Its post-mortem: the record, or as Markdown or a web page",
              "PostMortem", ("format",), problems=(400, 404)),
    Operation("patch", "/v1/incidents/{id}/report", "Fill in its lessons and action items", "PostMortem",
              body="EditReport", problems=(404, 409, 412), headers=(IF_MATCH_VERSION,)),
    Operation("post", "/v1/incidents/{id}/report/sign", "Somebody of a function has reviewed it", "PostMortem",
              body="SignReport", problems=(404, 409, 412), headers=(IF_MATCH_VERSION,)),
    Operation("get", "/v1/incidents/{id}/proposals", "What would put it right or keep it away", "Proposals",
              problems=(404,)),
    Operation("post", "/v1/incidents/{id}/proposals/{proposal}/accept",
              "Take it: a file beside the config, or a change of it", "Decided", body="Accept",
              problems=(404, 409, 412, 422), may_be_empty=True),
    Operation("post", "/v1/incidents/{id}/proposals/{proposal}/decline", "Not this one, and why", "Decided",
              body="Decline", problems=(404, 409)),
    Operation("get", "/v1/action-items", "What is still to be done, of all post-mortems", "ActionItems"),
    Operation("get", "/v1/incidents/{id}/actions", "What the gateway plans and does about it", "Actions",
              problems=(404,)),
    _order("hold", "Let an action stand for a time, whatever is measured", "Hold"),
    _order("force", "Do it now, whatever `respond` says", "Hold"),
    _order("skip", "Leave it out", "Overrule"),
    _order("undo", "Undo it at once", "Overrule"),
    Operation("get", "/v1/signals", "What is wrong at the moment", "Signals"),
    Operation("get", "/v1/clients", "Who sends the most, of the last minute", "Clients"),
    Operation("post", "/v1/reports", "Say that something looks wrong", "Reported", body="Report", status=201),
    Operation("get", "/v1/reports", "What people said in the last day", "Reports"),
    Operation("post", "/v1/deploys", "Say that something was deployed", "Change", body="Deploy", status=201),
    Operation("get", "/v1/deploys", "Deploys of the last day", "Deploys"),
    Operation("post", "/v1/maintenance", "Open no incident for a target for a time", "Maintenance", body="Maintain",
              status=201),
    Operation("get", "/v1/maintenance", "What goes on", "MaintenanceList"),
    Operation("delete", "/v1/maintenance/{id}", "It is over", "MaintenanceEnd", body="Release", problems=(404,),
              may_be_empty=True),
)


@functools.cache
def document() -> dict[str, Any]:
    """The whole of it, as plain values."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Safeguard Gateway, admin API", "version": __version__,
                 "description": "On the admin address. Errors are problem documents that say what to do.",
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description":
                                          "`gateway token add`; with the first one, everybody needs one"}},
        },
    }


def _operation(each: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": each.summary, "operationId": _name(each), "responses": _responses(each)}
    if each.is_open:
        told["security"] = []
    else:
        told["description"] = f"Takes the role {identity.needed(each.method.upper(), each.path).name.lower()}."
    parameters = [*_in_path(each.path), *(PARAMETERS[name] for name in each.query), *each.headers]
    if parameters:
        told["parameters"] = parameters
    if each.body:
        told["requestBody"] = {"required": not each.may_be_empty, "content": {JSON: {"schema": ref(each.body)}}}
    return told


def _responses(each: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": MEANINGS[each.status]}
    good["content"] = {each.answer: {"schema": {"type": "string"}}} if "/" in each.answer else {
        JSON: {"schema": ref(each.answer)}}
    problems = {*each.problems, *(() if each.is_open else OF_ANY), *(OF_A_BODY if each.body else ())}
    return {str(each.status): good} | {str(status): _problem(status, each) for status in sorted(problems)}


def _problem(status: int, each: Operation) -> dict[str, Any]:
    if each.path == "/readyz":
        return {"description": MEANINGS[status], "content": {JSON: {"schema": ref(each.answer)}}}
    schema = ref("ConfigProblem" if status == 422 else "Problem")
    return {"description": MEANINGS[status], "content": {PROBLEM: {"schema": schema}}}


def _in_path(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True,
             "schema": NUMBERED if name in NUMBERS else {"type": "string"}} for name in names]


def _name(each: Operation) -> str:
    words = [part.strip("{}").replace(".", "_") for part in each.path.split("/") if part not in ("", "v1")]
    return "_".join([each.method, *words]) if words else f"{each.method}_dashboard"
