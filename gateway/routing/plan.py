"""The compiled plan: a validated config as frozen, plain values.

Config makes it, workers and replays read it; it travels as JSON (`to_json` / `from_json`), so that a worker
needs neither pydantic nor YAML. All durations are integer nanoseconds (0 = off), all sizes bytes.
"""

import dataclasses
import functools
import hashlib
import json
import types
import typing
from dataclasses import dataclass
from typing import Any

from gateway.model.action import Policy as Policy
from gateway.model.alerting import Alerts as Alerts
from gateway.model.safeguards import NORMAL as NORMAL
from gateway.model.safeguards import Breaker as Breaker
from gateway.model.safeguards import Concurrency as Concurrency
from gateway.model.safeguards import Eject as Eject
from gateway.model.safeguards import Fallback as Fallback
from gateway.model.safeguards import Health as Health
from gateway.model.safeguards import Limit as Limit
from gateway.model.safeguards import Retry as Retry

SECOND = 1_000_000_000
OWN = "~"
"""How names of the gateway's own routes and upstreams begin: no name of a user can. They are no target of detection."""
ANY_HOST = "*"
"""Among the hosts of a match: all others too."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of a PEM chain and its key."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """Bounds of a message head: longest line and whole head in bytes, number of header fields (at most 256)."""

    line: int = 8 * 1024
    fields: int = 100
    size: int = 32 * 1024


@dataclass(frozen=True, slots=True)
class ClientTimeouts:
    """`body`: a silent sender; `send`: a reader that takes nothing (it costs a full buffer only, so it is long)."""

    head: int = 10 * SECOND
    body: int = 30 * SECOND
    keep_alive: int = 60 * SECOND
    send: int = 120 * SECOND


@dataclass(frozen=True, slots=True)
class Listener:
    """`address` is host:port, [v6]:port or unix:/path."""

    address: str
    certificates: tuple[Certificate, ...] = ()
    health: str = ""
    proxy_protocol: bool = False
    timeouts: ClientTimeouts = ClientTimeouts()
    limits: HeadLimits = HeadLimits()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`address` is host:port, [v6]:port or unix:/path; a name is resolved in the background."""

    address: str
    weight: int = 1
    version: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """`ca_file` empty: the system's authorities; `server_name` empty: the endpoint's own name."""

    verify: bool = True
    ca_file: str = ""
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    connect: int = 1 * SECOND
    first_byte: int = 10 * SECOND
    idle: int = 60 * SECOND


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Per worker and endpoint. `idle`: how long an unused connection is kept; `max_connections` 0 = no limit."""

    idle: int = 4 * SECOND
    max_idle: int = 256
    max_connections: int = 0


@dataclass(frozen=True, slots=True)
class Upstream:
    """`host` empty: the client's Host is kept; otherwise it is replaced by this text.

    `balance`: round_robin | least_request.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    balance: str = "least_request"
    tls: UpstreamTls | None = None
    timeouts: UpstreamTimeouts = UpstreamTimeouts()
    pool: PoolLimits = PoolLimits()
    host: str = ""
    limits: HeadLimits = HeadLimits()
    eject: Eject = Eject()
    breaker: Breaker = Breaker()
    health: Health = Health()
    concurrency: Concurrency = Concurrency()
    retry: Retry = Retry()


@dataclass(frozen=True, slots=True)
class HeaderEdits:
    """Applied in this order: remove, set (replaces), add."""

    remove: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """`hosts`: exact, `*.suffix` or ANY_HOST, empty = any; `path`: exact, `/prefix/**` or with `{name}` segments;
    `methods` empty = any; `headers`: (lower-case name, exact value), value "*" = present."""

    path: str = "/**"
    hosts: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    """`to` is a template: `{name}` and a final `**` stand for what the match captured; the query is kept."""

    to: str
    status: int = 308


@dataclass(frozen=True, slots=True)
class Respond:
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Objective:
    """`success`: parts per million of the requests; `under`: to the first byte, 0 = slowness does not count."""

    success: int
    under: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Exactly one of `upstream`, `redirect`, `respond` is set. `rewrite` is a path template as in Redirect.

    `priority` is 0 (critical) to 5 (bulk); `fallback` is tried in order; `false_alarms`: a month, 0 = no anomalies.
    """

    name: str
    match: Match = Match()
    upstream: str = ""
    redirect: Redirect | None = None
    respond: Respond | None = None
    rewrite: str = ""
    request_headers: HeaderEdits = HeaderEdits()
    response_headers: HeaderEdits = HeaderEdits()
    timeout: int = 0
    max_body: int = 0
    limits: tuple[Limit, ...] = ()
    concurrency: Concurrency = Concurrency()
    priority: int = NORMAL
    fallback: tuple[Fallback, ...] = ()
    false_alarms: int = 1
    objective: Objective | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    delay: int = 0
    timeout: int = 30 * SECOND


@dataclass(frozen=True, slots=True)
class Recorder:
    """`disk` in bytes, 0 = none; `rate`: ordinary requests kept per second; `version_header`: of answers, recorded."""

    disk: int = 2 * 2**30
    rate: int = 1000
    version_header: str = "x-version"


@dataclass(frozen=True, slots=True)
class AccessLog:
    """`path`: empty = none, or `stdout`; `format`: json | combined; `keep`: how many files of `rotate_bytes` stay."""

    path: str = ""
    format: str = "json"
    rotate_bytes: int = 100 * 2**20
    keep: int = 5


@dataclass(frozen=True, slots=True)
class Probation:
    """How a revision is watched after it was applied. `steps`: shares of the clients in millionths, ascending, the
    last one the whole; `duration` bounds each step."""

    mode: str = "enforce"
    duration: int = 600 * SECOND
    steps: tuple[int, ...] = (100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Plan:
    """`workers` 0 = one per core; `max_connections` 0 = from RLIMIT_NOFILE less a reserve (whole worker)."""

    listeners: tuple[Listener, ...]
    upstreams: tuple[Upstream, ...] = ()
    routes: tuple[Route, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    client_key: str = "ip"
    workers: int = 0
    max_connections: int = 0
    drain: Drain = Drain()
    state_dir: str = "./state"
    state_max_bytes: int = 2 * 2**30
    alerts: Alerts = Alerts()
    admin: str = "127.0.0.1:9900"
    admin_hosts: tuple[str, ...] = ()
    recorder: Recorder = Recorder()
    access_log: AccessLog = AccessLog()
    respond: Policy = Policy()
    probation: Probation = Probation()
    drills: bool = False
    post_mortems_in_git: bool = False

    @property
    def watched(self) -> tuple[Route, ...]:
        """The routes that detection looks at."""
        return tuple(each for each in self.routes if not is_own(each.name))

    @property
    def users_upstreams(self) -> tuple[Upstream, ...]:
        return tuple(each for each in self.upstreams if not is_own(each.name))

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"), sort_keys=True)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex: two plans that decide alike have the same digest."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def is_own(name: str) -> bool:
    return name.startswith(OWN)


def from_json(text: str) -> Plan:
    """Read a plan back; raises TypeError, KeyError or ValueError on anything that `to_json` does not write.

    Only a missing key is no error where it has a default: a newer gateway can read the plan that an older one stored.
    """
    plan = _read(Plan, json.loads(text))
    assert isinstance(plan, Plan)
    return plan


def _read(kind: Any, value: Any) -> Any:
    """Rebuild `kind` (a dataclass, tuple[...], optional or plain type) from its JSON form."""
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        return None if value is None else _read(typing.get_args(kind)[0], value)
    if origin is tuple:
        return _read_tuple(typing.get_args(kind), _exactly(list, value))
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        items = _exactly(dict, value).items()
        return typing.cast(Any, kind)(**{name: _read(hints[name], item) for name, item in items})
    return _exactly(kind, value)


def _read_tuple(kinds: tuple[Any, ...], values: list[Any]) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read(kinds[0], item) for item in values)
    return tuple(_read(kind, item) for kind, item in zip(kinds, values, strict=True))


def _exactly(kind: type, value: Any) -> Any:
    """The value itself, if it is of just this type (true is no number); it may be a secret, so no error shows it."""
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, found {type(value).__name__}")
    return value


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
