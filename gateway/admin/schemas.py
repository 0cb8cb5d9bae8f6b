"""What the bodies of the admin API look like: JSON Schema (2020-12, as OpenAPI 3.1 has it), by name.

Answers name what is always there, and may gain more; requests name all that is known, and refuse the rest, as the API
does.
"""

from typing import Any

from gateway.model.injection import InjectionKind

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {"type": "object"}
TIME: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339, in UTC"}
TTL: Schema = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)$", "examples": ["90s", "30m", "2h"]}
ACTOR: Schema = {"type": "string", "maxLength": 100, "description": "what you call yourself: a note beside your token"}
CURSOR: Schema = {"type": ["integer", "null"], "description": "`before` of the next page; null: there is none"}
TARGET: Schema = {"type": "string", "examples": ["route:list-orders", "upstream:orders", "client:192.0.2.7"],
                  "pattern": "^(gateway|(route|upstream|endpoint|client):.+)$",
                  "description": "route:NAME, upstream:NAME, endpoint:[UPSTREAM/]ADDRESS or client:ADDRESS"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def maybe(kind: str) -> Schema:
    return {"type": [kind, "null"]}


def answer(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields)}


def body(needed: tuple[str, ...] = (), **fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(needed), "additionalProperties": False}


def page(name: str, item: Schema) -> Schema:
    return answer(**{name: many(item), "next": CURSOR})


CAUSE = answer(where=ANY, excess=NUMBER, share=NUMBER)
REACH = answer(requests=maybe("integer"), total=COUNT, share=maybe("number"), seconds=COUNT)
OVERRIDE: dict[str, Schema] = {
    "id": COUNT, "kind": TEXT, "target": TARGET, "reason": TEXT, "who": TEXT, "actor": TEXT, "at": TIME,
    "expires": TIME, "in_force": FLAG, "seconds_left": NUMBER, "waiting": FLAG}
REVISION: dict[str, Schema] = {
    "number": COUNT, "content": TEXT, "digest": TEXT, "at": TIME, "who": TEXT, "note": TEXT, "reason": TEXT,
    "how": TEXT, "base": COUNT, "commit": TEXT, "author": TEXT, "dirty": FLAG}
WATCHED = answer(revision=COUNT, beside=COUNT, state=TEXT, verdict=TEXT, proven=FLAG, began=TIME, at=TIME)
INCIDENT: dict[str, Schema] = {
    "id": COUNT, "title": TEXT, "state": TEXT, "severity": TEXT, "fault": TEXT, "scope": many(TEXT), "onset": TIME,
    "opened": TIME, "cause": TEXT, "times": ANY, "relapses": COUNT, "acknowledged_by": TEXT, "assignee": TEXT,
    "merged_into": maybe("integer"), "more_signals": COUNT}
SIGNAL = answer(kind=TEXT, target=TEXT, observed=TEXT, threshold=TEXT, statistic=NUMBER, reference=TEXT, at=TIME,
                onset=TIME)
ACTION = answer(id=COUNT, incident=COUNT, rung=COUNT, kind=TEXT, target=TEXT, value=COUNT, state=TEXT, in_force=FLAG,
                reason=TEXT, evidence=many(TEXT), touches=maybe("number"), measured=TEXT, by=TEXT,
                helped=maybe("boolean"), verdict=TEXT, stage=COUNT, returns=COUNT, who=TEXT, planned=TIME, since=TIME,
                done=maybe("string"), expires=maybe("string"), undo=TEXT, can=many(TEXT))
ITEM: dict[str, Schema] = {"id": COUNT, "type": TEXT, "text": TEXT, "owner": TEXT, "due": TEXT, "ticket": TEXT,
                           "status": TEXT, "verify_by": TEXT}
LESSONS = many({"type": "string", "minLength": 1, "maxLength": 2000})
ITEM_TEXT: Schema = {"type": "string", "maxLength": 500}
EDIT_ITEM = body(id=COUNT, type={"enum": ["prevent", "detect", "mitigate", "process"]}, text=ITEM_TEXT, owner=ITEM_TEXT,
                 due={"type": "string", "examples": ["2026-05-31"]}, ticket=ITEM_TEXT,
                 status={"enum": ["open", "done", "declined"]}, verify_by=ITEM_TEXT)
PROPOSAL = answer(id=COUNT, incident=COUNT, kind={"enum": ["rule", "config", "threshold", "drill"]}, state=TEXT,
                  title=TEXT, why=TEXT, name=TEXT, body=TEXT, diff=TEXT, proof=many(TEXT), replay=many(TEXT),
                  revision=COUNT, at=TIME, who=TEXT, reason=TEXT, decided=maybe("string"))
DRILL: dict[str, Schema] = {
    "scenario": TEXT, "about": TEXT, "place": TEXT, "incident": maybe("integer"), "fault": TEXT, "expected_fault": TEXT,
    "checks": many(body(("step",), step=TEXT, seconds=maybe("number"), limit=maybe("number"), passed=FLAG)),
    "traffic": {"type": "object", "additionalProperties": COUNT}, "passed": FLAG}
FAULT = answer(id=COUNT, kind=TEXT, share=TEXT, delay=TEXT, status=COUNT, rate=COUNT, seconds_left=NUMBER, words=TEXT)
SAFEGUARDS = many(answer(safeguard=TEXT, mode=TEXT, state=TEXT, acting=FLAG, observed=TEXT, threshold=TEXT,
                          decision=TEXT))
ENDPOINT = answer(target=TEXT, address=TEXT, weight=COUNT, version=TEXT, safeguards=SAFEGUARDS)
CONFIG_PLACE: Schema = {"oneOf": [answer(file=TEXT, line=COUNT, text=TEXT), {"type": "null"}]}
PROBLEM_PLACE = answer(file=TEXT, line=COUNT, column=COUNT, message=TEXT)
DOCUMENTS: Schema = {"type": "object", "additionalProperties": TEXT, "minProperties": 1,
                     "description": "the text of each file of the config by its name"}
WORDS = body(("words",), words=TEXT, actor=ACTOR)
CHANGE = answer(kind=TEXT, at=TIME, words=TEXT, scope=ANY, reference=TEXT)
MAINTENANCE = answer(id=COUNT, target=TEXT, reason=TEXT, who=TEXT, at=TIME, expires=TIME)
REQUEST = answer(at=TIME, at_ns=COUNT, route=TEXT, upstream=TEXT, endpoint=TEXT, method=TEXT, path=TEXT, status=COUNT,
                 decision=TEXT, safeguard=TEXT, limit=TEXT, observed={"type": "integer"}, threshold={"type": "integer"},
                 shadow=FLAG, fallback=FLAG, incident=COUNT, attempts=COUNT, total_ms=NUMBER, ttfb_ms=maybe("number"),
                 own_ms=NUMBER, bytes_in=COUNT, bytes_out=COUNT, client=TEXT, host=TEXT, agent=TEXT, protocol=TEXT,
                 tls=FLAG, revision=COUNT, version=TEXT, request_id=TEXT, weight=NUMBER)

SCHEMAS: dict[str, Schema] = {
    "Problem": answer(type=TEXT, title=TEXT, status=COUNT, detail=TEXT),
    "ConfigProblem": answer(type=TEXT, title=TEXT, status=COUNT, detail=TEXT, problems=many(PROBLEM_PLACE)),
    "Health": answer(healthy=FLAG),
    "Readiness": answer(ready=FLAG, reason=TEXT),
    "Status": answer(version=TEXT, ready=FLAG, reason=TEXT, uptime_seconds=NUMBER,
                     plan=answer(generation=COUNT, digest=TEXT, agreed=FLAG), connections=COUNT, active_requests=COUNT,
                     board_bytes=COUNT, processes=many(ANY), routes=ANY),
    "Config": answer(revision=answer(**REVISION), drift=FLAG, refused=many(ANY), store_fault=TEXT,
                     last_known_good=COUNT, probation={"oneOf": [ANY, {"type": "null"}]}),
    "Apply": body(("documents",), documents=DOCUMENTS, actor=ACTOR, reason=TEXT, probation=FLAG),
    "Candidate": body(("documents",), documents=DOCUMENTS),
    "ReplayOf": body(("documents",), documents=DOCUMENTS, since=TEXT),
    "Replayed": {"type": "object"},
    "Rollback": body((), to=maybe("integer"), actor=ACTOR, reason=TEXT),
    "Applied": answer(**REVISION, diff=TEXT),
    "Differences": answer(revision=COUNT, changes=many(TEXT), text=TEXT),
    "Revisions": page("revisions", answer(**REVISION, state=TEXT, probation={"oneOf": [WATCHED, {"type": "null"}]})),
    "Revision": answer(**REVISION, text=TEXT, diff=TEXT),
    "AuditEntries": page("entries", answer(number=COUNT, at=TIME, who=TEXT, what=TEXT, target=TEXT, detail=ANY,
                                           hash=TEXT)),
    "AuditVerdict": answer(whole=FLAG, first_broken=maybe("integer"), entries=COUNT, last_hash=TEXT,
                           has_noted=maybe("boolean")),
    "Isolate": body(("target", "reason"), target=TARGET, reason={"type": "string", "minLength": 1, "maxLength": 500},
                    ttl=TTL, actor=ACTOR, keep_open=FLAG),
    "Release": body((), reason=TEXT, actor=ACTOR),
    "Isolation": answer(**OVERRIDE, keep_open=FLAG),
    "Isolations": page("isolations", ref("Isolation")),
    "Reach": answer(target=TARGET, touches=REACH),
    "ForceBreaker": body(("state",), state={"enum": ["open", "closed", "auto"]}, reason=TEXT, ttl=TTL, actor=ACTOR),
    "Breaker": answer(**OVERRIDE, state=TEXT),
    "Breakers": answer(breakers=many(ref("Breaker"))),
    "RunDrill": body(("scenario",), **DRILL, actor=ACTOR),
    "Drill": answer(id=COUNT, at=TIME, who=TEXT, **DRILL),
    "Drills": page("drills", ref("Drill")),
    "Inject": body(("kind", "reason"), kind={"enum": sorted(InjectionKind)},
                   route=TEXT, upstream=TEXT, endpoint=TEXT, client=TEXT, share=TEXT, delay=TTL,
                   status={"type": "integer", "minimum": 400, "maximum": 599}, rate=COUNT, reason=TEXT, actor=ACTOR,
                   **{"for": TTL}),
    "Fault": FAULT,
    "Faults": answer(enabled=FLAG, faults=many(ref("Fault"))),
    "Requests": answer(requests=many(REQUEST), next=CURSOR, looked_at=ANY),
    "Comparison": answer(words=TEXT, reach=TEXT, share_explained=NUMBER, causes=many(CAUSE), surge=maybe("object"),
                         runners_up=many(CAUSE), of=TEXT, now=ANY, before=ANY),
    "Incidents": page("incidents", ref("Incident")),
    "Incident": answer(**INCIDENT),
    "IncidentStory": answer(**INCIDENT, signals=many(SIGNAL), finding=ANY, actions=many(ref("Action")),
                            timeline=many(answer(at=TIME, who=TEXT, kind=TEXT, words=TEXT))),
    "Acknowledge": body((), actor=ACTOR),
    "Assign": body(("to",), to=TEXT, actor=ACTOR),
    "Words": WORDS,
    "Merge": body(("into",), into=COUNT, actor=ACTOR),
    "Split": body(("targets",), targets=many(TARGET), actor=ACTOR),
    "PostMortem": answer(schema={"const": "incident/1"}, id=COUNT, title=TEXT, status=TEXT, version=COUNT, summary=TEXT,
                         severity=TEXT, times=ANY, derived=ANY, detection=ANY, scope=ANY, impact=ANY,
                         root_causes=many(ANY), timeline=many(ANY), actions=many(ANY), lessons=ANY,
                         items=many(answer(**ITEM)), reviews=many(ANY), missing=many(TEXT)),
    "EditReport": body(summary={"type": "string", "minLength": 1, "maxLength": 2000},
                       lessons=body(well=LESSONS, wrong=LESSONS, lucky=LESSONS), items=many(EDIT_ITEM), actor=ACTOR),
    "SignReport": body(("function",), function={"type": "string", "minLength": 1, "maxLength": 60}, actor=ACTOR),
    "Proposal": PROPOSAL,
    "Proposals": answer(proposals=many(ref("Proposal"))),
    "Decided": answer(**PROPOSAL["properties"], done=TEXT),
    "Accept": body((), reason=TEXT, actor=ACTOR),
    "Decline": body(("reason",), reason={"type": "string", "minLength": 1}, actor=ACTOR),
    "ActionItems": answer(items=many(answer(incident=COUNT, title=TEXT, **ITEM))),
    "Action": ACTION,
    "Actions": answer(actions=many(ref("Action"))),
    "Hold": body(("reason",), reason=TEXT, ttl=TTL, actor=ACTOR),
    "Overrule": body(("reason",), reason=TEXT, actor=ACTOR),
    "Clients": answer(clients=many(answer(client=TEXT, requests=COUNT, failed=COUNT, share=NUMBER, per_second=NUMBER))),
    "Signals": answer(signals=many(SIGNAL)),
    "Report": body(("target",), target=TARGET, words=TEXT, kind={"enum": ["operator report", "log review"]},
                   actor=ACTOR),
    "Reported": answer(target=TEXT, kind=TEXT, at=TIME),
    "Reports": answer(reports=many(answer(target=TEXT, kind=TEXT, at=TIME, who=TEXT, words=TEXT))),
    "Deploy": body(("words",), words=TEXT, version=TEXT, scope={"type": "object", "additionalProperties": TEXT},
                   actor=ACTOR),
    "Change": CHANGE,
    "Deploys": answer(deploys=many(CHANGE)),
    "Maintain": body(("target", "reason"), target=TARGET, reason=TEXT, ttl=TTL, actor=ACTOR),
    "Maintenance": MAINTENANCE,
    "MaintenanceList": answer(maintenance=many(MAINTENANCE)),
    "MaintenanceEnd": answer(id=COUNT, ended=FLAG),
    "Explanation": answer(
        reevaluated=FLAG, at=TIME, revision=COUNT, request=ANY, record=maybe("object"), verdict=TEXT, denied=FLAG,
        route={"oneOf": [answer(name=TEXT, target=TEXT, to=TEXT, why=TEXT, config=CONFIG_PLACE), {"type": "null"}]},
        others=many(answer(name=TEXT, why=TEXT, config=CONFIG_PLACE)),
        safeguards=many(answer(target=TEXT, safeguard=TEXT, mode=TEXT, state=TEXT, acting=FLAG, observed=TEXT,
                               threshold=TEXT, window=TEXT, decision=TEXT, config=CONFIG_PLACE, gate=FLAG))),
    "Targets": answer(
        routes=many(answer(target=TEXT, name=TEXT, match=ANY, to=TEXT, upstream=TEXT, priority=TEXT,
                           fallback=many(TEXT), safeguards=SAFEGUARDS)),
        upstreams=many(answer(target=TEXT, name=TEXT, balance=TEXT, safeguards=SAFEGUARDS, endpoints=many(ENDPOINT)))),
    "Traffic": answer(target=TEXT, until=COUNT, seconds=COUNT, requests=many(COUNT), errors=many(COUNT),
                      client_errors=many(COUNT), refused=many(COUNT), slow=many(COUNT), latency_ms=many(COUNT)),
    "Document": answer(openapi=TEXT, info=ANY, paths=ANY, components=ANY),
}
