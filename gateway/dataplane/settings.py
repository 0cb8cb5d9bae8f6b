"""What a user writes about listeners, clients and upstreams: the sections that the data plane obeys."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from gateway.model import address, http, kinds
from gateway.model.kinds import Duration, DurationOrOff, DurationOrZero, Settings

SECOND = 1_000_000_000
KIB = 1024
HEAD_BYTES_MAX = 256 * KIB  # a head is held in memory whole, per connection
FIELDS_MAX = 256  # capacity of http1's Head.fields


class HeadSettings(Settings):
    """Bounds of a message head."""

    line: Annotated[int, kinds.size(256, HEAD_BYTES_MAX)] = 8 * KIB
    """Longest request line, status line or header line."""
    fields: Annotated[int, kinds.number(1, FIELDS_MAX)] = 100
    """Number of header fields."""
    size: Annotated[int, kinds.size(256, HEAD_BYTES_MAX)] = 32 * KIB
    """The whole head."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.line > self.size:
            raise ValueError("line is larger than size, the whole head; write a smaller line or a larger size")
        return self


class ClientTimeoutSettings(Settings):
    """How long a client may keep a connection waiting."""

    head: Duration = 10 * SECOND
    """From the first byte of a request (or the TLS handshake) to the end of its head. Then 408."""
    body: Duration = 30 * SECOND
    """Longest silence within a request body. Then 408."""
    keep_alive: Duration = 60 * SECOND
    """Longest idle time between two requests."""
    send: Duration = 120 * SECOND
    """How long a client may take nothing of an answer that waits for it. Then the connection is reset."""


class CertificateSettings(Settings):
    """A certificate and its key, in PEM files; changed files are picked up without a restart."""

    certificate: kinds.FilePath
    """The certificate, followed by its chain."""
    key: kinds.FilePath
    """The private key, without a passphrase."""


class ListenerSettings(Settings):
    """An address that clients connect to."""

    address: kinds.ListenAddress
    """`host:port`, `[v6]:port` or `unix:/path`."""
    tls: Annotated[tuple[CertificateSettings, ...], kinds.Or(kinds.one_or_many)] = ()
    """A certificate, or a list of them chosen by the name the client asks for (SNI); the first is for all others."""
    health: kinds.PlainPath = ""
    """A path the worker itself answers: 200 while it serves and is not draining, else 503."""
    proxy_protocol: kinds.Flag = False
    """Connections begin with a PROXY protocol v2 header; taken from `clients.trusted_proxies` only."""
    timeouts: ClientTimeoutSettings = ClientTimeoutSettings()
    """How long a client may take."""
    head: HeadSettings = HeadSettings()
    """Bounds of a request head; beyond them 414 or 431."""


def client_key(text: str) -> str:
    """Raises ValueError with what to write."""
    kind, colon, name = text.partition(":")
    if text == "ip":
        return text
    if not colon or kind not in ("header", "cookie", "jwt") or not name:
        raise ValueError(f"{text[:40]!r} is no key of a client; write ip, header:NAME, cookie:NAME or jwt:CLAIM")
    if kind != "jwt":
        http.token(name)
    return text


ClientKey = Annotated[str, kinds.words(client_key, examples=["ip", "header:x-tenant", "jwt:sub"])]


class ClientsSettings(Settings):
    """Who a request comes from."""

    trusted_proxies: tuple[kinds.Network, ...] = ()
    """Networks whose X-Forwarded-*, Forwarded and PROXY headers are believed; from anyone else they are replaced."""
    key: ClientKey = "ip"
    """Who counts as one client for limits, clamps and shedding: `ip`, or `header:NAME`, `cookie:NAME`, `jwt:CLAIM`. A
    request without it is its address's. A token's signature is not checked: do that before the gateway."""


class DrainSettings(Settings):
    """How the gateway stops."""

    delay: DurationOrZero = 0
    """Time between turning unready and closing the listeners, for load balancers to notice."""
    timeout: Duration = 30 * SECOND
    """How long requests in flight may go on after that."""


class EndpointSettings(Settings):
    """One server of an upstream. The address alone stands for one with the default weight."""

    address: kinds.EndpointAddress
    """`host:port`, `[v6]:port` or `unix:/path`; a name is resolved again in the background."""
    weight: Annotated[int, kinds.number(1, 1000)] = 1
    """Share of the requests, relative to the other endpoints."""
    version: kinds.Text = ""
    """A label of what runs there, such as `v2`."""


class UpstreamTimeoutSettings(Settings):
    """How long an upstream may keep a request waiting."""

    connect: Duration = 1 * SECOND
    """To open a connection, the TLS handshake included. Then another endpoint, or 504."""
    first_byte: DurationOrOff = 10 * SECOND
    """From the end of the request to the first byte of the answer. Then 504."""
    idle: DurationOrOff = 60 * SECOND
    """Longest silence within an answer or a tunnel."""


class PoolSettings(Settings):
    """Connections kept open for reuse, per worker and endpoint."""

    idle: Duration = 4 * SECOND
    """How long an unused connection is kept, unless the upstream's Keep-Alive says less (Node closes after 5 s)."""
    max_idle: Annotated[int, kinds.number(0, 1_000_000)] = 256
    """Unused connections kept."""
    max_connections: Annotated[int, kinds.number(0, 1_000_000)] = 0
    """Connections open at a time; 0 is no limit. At the limit: 503."""


class UpstreamTlsSettings(Settings):
    """How the gateway speaks TLS to an upstream. `true` stands for the defaults."""

    verify: kinds.Flag = True
    """Check the upstream's certificate and name."""
    ca: kinds.FilePath = ""
    """PEM file with the authorities to trust instead of the system's."""
    server_name: Annotated[str, kinds.words(address.host_name)] = ""
    """The name to ask for (SNI) and to check, instead of the endpoint's own."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.ca and not self.verify:
            raise ValueError("ca has no effect with verify: false; remove one of them")
        return self


def _endpoint(value: Any) -> Any:
    if isinstance(value, str):
        return {"address": value}
    if isinstance(value, dict):
        return value
    raise ValueError(f"must be an address, or a mapping with address: and weight:, not {kinds.called(value)}")


def _tls(value: Any) -> Any:
    """`true` is all defaults, `false` is none."""
    switch = kinds.resolved(value)
    if isinstance(switch, bool):
        return {} if switch else None
    if isinstance(value, dict):
        return value
    raise ValueError(f"must be true, false or a mapping, not {kinds.called(value)}")


Endpoint = Annotated[EndpointSettings, kinds.Or(_endpoint, type="string", examples=["127.0.0.1:9001"])]


class UpstreamSettings(Settings):
    """Servers that answer for routes, and how the gateway speaks to them."""

    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)]
    """The servers."""
    balance: Annotated[str, kinds.choice("round_robin", "least_request")] = "least_request"
    """How an endpoint is chosen: in turn by weight, or the less busy of two picked at random."""
    timeouts: UpstreamTimeoutSettings = UpstreamTimeoutSettings()
    """How long the upstream may take."""
    pool: PoolSettings = PoolSettings()
    """Connections kept open for reuse."""
    tls: Annotated[UpstreamTlsSettings | None, kinds.Or(_tls, type="boolean")] = None
    """Speak TLS to the endpoints."""
    host: kinds.HostHeader = "keep"
    """The Host header to send: `keep` is the client's own."""
    head: HeadSettings = HeadSettings()
    """Bounds of an answer's head; beyond them 502."""
