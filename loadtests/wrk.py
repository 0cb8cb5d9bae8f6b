"""The load generator: wrk, closed loop, keep-alive, one unchanging request.

wrk reports through `done` in wrk_request.lua, exact counts as one line of JSON, rather than through its rounded text.
It calls only 4xx and 5xx failed and never looks at a body, so `verify` compares the bytes read with those expected.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.errors import FailedRequestsError, LoadTestError, MissingProgramError

_SCRIPT = Path(__file__).with_name("wrk_request.lua")
_PREFIX = "REPORT "


@dataclass(frozen=True, slots=True)
class Load:
    """`duration` in seconds; `answer` is the smallest size in bytes of a right answer's body."""

    url: str
    connections: int
    threads: int
    duration: float
    cores: frozenset[int]
    headers: tuple[tuple[str, str], ...]
    answer: int


@dataclass(frozen=True, slots=True)
class Report:
    """What one run of wrk counted; latencies in microseconds, `duration` in seconds."""

    requests: int
    bytes: int
    duration: float
    p50_us: float
    p99_us: float
    max_us: float
    errors: dict[str, int]

    @property
    def rate(self) -> float:
        return self.requests / self.duration


def run(load: Load, folder: Path) -> Report:
    """Blocks for the load's duration. Raises FailedRequestsError on any failed request."""
    script = folder / "request.lua"
    script.write_text(request_script(load.headers))
    seconds = max(1, round(load.duration))  # wrk takes whole seconds
    finished = subprocess.run(
        ["taskset", "--cpu-list", ",".join(map(str, sorted(load.cores))), find_wrk(), "--latency",
         "--threads", str(load.threads), "--connections", str(load.connections), "--duration", f"{seconds}s",
         "--timeout", "10s", "--script", str(script), load.url],
        capture_output=True, text=True, timeout=seconds + 30)
    if finished.returncode:
        raise LoadTestError(f"wrk ended with {finished.returncode} on {load.url}: {finished.stderr or finished.stdout}")
    report = parse(finished.stdout)
    verify(report, load)
    return report


def request_script(headers: Sequence[tuple[str, str]]) -> str:
    # JSON's escapes are a subset of what Lua 5.1 reads, for the printable ASCII that headers are
    pairs = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers)
    return _SCRIPT.read_text().replace("{ HEADERS }", f"{{ {pairs} }}")


def parse(output: str) -> Report:
    """Read the report that wrk_request.lua writes; raises LoadTestError when it is not there."""
    for line in output.splitlines():
        if line.startswith(_PREFIX):
            found = json.loads(line.removeprefix(_PREFIX))
            errors = {kind: found[kind] for kind in ("connect", "read", "write", "timeout", "status")}
            return Report(found["requests"], found["bytes"], found["duration_us"] / 1e6,
                          found["p50_us"], found["p99_us"], found["max_us"], errors)
    raise LoadTestError(f"wrk printed no report; its output was:\n{output}")


def verify(report: Report, load: Load) -> None:
    """Raises FailedRequestsError unless every request got its whole answer."""
    failed = {kind: count for kind, count in report.errors.items() if count}
    if failed:
        counts = ", ".join(f"{count} {kind}" for kind, count in failed.items())
        raise FailedRequestsError(f"{load.url}: {counts} errors beside {report.requests} answers: read the proxy's log")
    if report.requests == 0:
        raise FailedRequestsError(f"{load.url}: no request was answered in {report.duration:.1f} s")
    if report.bytes < report.requests * load.answer:
        raise FailedRequestsError(
            f"{load.url}: {report.bytes / report.requests:.0f} bytes per answer, at least {load.answer} expected")


def find_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise MissingProgramError("wrk is not installed: apt-get install wrk")
    return found
