"""What is measured: one table."""

from dataclasses import dataclass, replace

KIB = 1024
MIB = 1024 * KIB
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Scenario:
    """`body`: size of each answer's body in bytes. `tls`: towards the client. `workers`: of each proxy.
    `access_log`: every proxy writes a line for each request."""

    name: str
    title: str
    target: str
    body: int
    tls: bool = False
    workers: int = 1
    access_log: bool = False

    def with_access_logs(self) -> "Scenario":
        return replace(self, access_log=True, title=f"{self.title}, access logs on")


SCENARIOS = {scenario.name: scenario for scenario in (
    Scenario("small", "1 KiB answers", "/v1/orders?page=2&limit=25", KIB),
    Scenario("body-64k", "64 KiB answers", "/v1/exports/64k", 64 * KIB),
    Scenario("body-1m", "1 MiB answers", "/v1/exports/1m", MIB),
    Scenario("tls", "1 KiB answers over TLS (ECDSA P-256)", "/v1/orders?page=2&limit=25", KIB, tls=True),
    Scenario("two-workers", "1 KiB answers, two workers", "/v1/orders?page=2&limit=25", KIB, workers=2),
)}

# What a browser's fetch() sends to an API behind a cookie login: ten fields, the Host among them.
REQUEST_HEADERS = (
    ("Host", "api.example.com"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Accept", "application/json, text/plain, */*"),
    ("Accept-Language", "en-GB,en;q=0.7,de;q=0.3"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Referer", "https://shop.example.com/account/orders"),
    ("Origin", "https://shop.example.com"),
    ("Cookie", "session=7f3c9a1e5b2d4c6f8a0b1c2d3e4f5a6b; theme=dark; consent=necessary"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Site", "same-site"),
)
