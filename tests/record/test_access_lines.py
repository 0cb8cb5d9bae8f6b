"""Whatever strangers write, a record becomes one line that its reader takes apart again."""
import json
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.model.decisions import Decision, Safeguard
from gateway.record import flight
from gateway.record.access_lines import Words, lines
from gateway.record.flight import RECORD, Meanings, Records

OFFSET = 1_764_000_000 * 10**9          # 2025-11-24T16:00:00Z
IPV4 = 0xFFFF << 32
COMBINED = re.compile(
    r'(?P<client>[0-9a-f.:]+|-) - - \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}(?::\d\d){3} \+0000)\] '
    r'"(?:-|(?P<method>[A-Za-z]+|-) (?P<path>[^"]*) HTTP/1\.[01])" (?P<status>\d{3,5}) (?P<size>\d+) '
    r'"-" "(?P<agent>[^"]*)"\n')


def record(path: bytes = b"/x", **fields: Any) -> Records:
    made = np.zeros(1, RECORD)
    for name in ("route", "upstream", "endpoint", "limit", "ttfb_us"):
        made[name] = flight.NO_ROW
    made["path"][0, : len(path)] = list(path)
    made["path_size"] = len(path)
    made["protocol"], made["attempts"], made["status"] = 1, 1, 200
    for name, value in fields.items():
        made[name] = value
    return made


def words(form: str = "json", texts: dict[int, str] | None = None, incidents: dict[str, dict[int, int]] | None = None,
          **rows: dict[int, str]) -> Words:
    sections = {name: rows.get(name, {}) for name in ("routes", "upstreams", "endpoints", "limits")}
    return Words(form, OFFSET, texts=texts or {}, incidents=incidents, **sections)


def one(made: Records, told: Words) -> str:
    return lines(made.tobytes(), told, 0).decode("ascii")


def is_one_plain_line(text: str) -> bool:
    return text.endswith("\n") and text.isascii() and text[:-1].isprintable()


def unescaped(text: str) -> bytes:
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())


def test_a_json_line_holds_all_that_was_recorded() -> None:
    made = record(
        b"/orders/7", started_ns=1_234_567_890, client_low=IPV4 | 0x0A000102, method=2, host=1, agent=2, status=429,
        route=3, upstream=1, endpoint=4, limit=5, generation=9, bytes_in=10, bytes_out=2**64 - 1,
        total_us=1500, ttfb_us=20, own_us=7, attempts=2,
        decision=Decision.LIMITED, safeguard=Safeguard.LIMIT, flags=flight.SHADOW | flight.FELL_BACK, protocol=3,
        request_id_high=1, request_id_low=0xAB, version_size=3)
    made["version"][0, :3] = list(b"1.2")
    told = words(texts={1: "api.example.com", 2: "curl"}, routes={3: "orders"}, upstreams={1: "api"},
                 endpoints={4: "127.0.0.1:9001"}, limits={5: "per-client"})
    line = lines(made.tobytes(), told, 6).decode()
    assert json.loads(line) == {
        "time": "2025-11-24T16:00:01.234Z", "client": "10.0.1.2", "method": "POST", "host": "api.example.com",
        "path": "/orders/7", "status": 429, "route": "orders", "upstream": "api", "endpoint": "127.0.0.1:9001",
        "revision": 9, "bytes_in": 10, "bytes_out": 2**64 - 1, "total_ms": 1.5, "ttfb_ms": 0.02, "own_ms": 0.007,
        "attempts": 2, "decision": "limited", "safeguard": "limit", "limit": "per-client", "shadow": True,
        "fallback": True, "agent": "curl", "version": "1.2", "protocol": "HTTP/1.1", "tls": True,
        "request_id": f"{1:016x}{0xAB:016x}", "worker": 6}


@pytest.mark.parametrize(("safeguard", "observed", "told"), [
    (Safeguard.ISOLATION, 12 << 8 | 1, 12), (Safeguard.CLIENT_ISOLATION, 7 << 8, 7), (Safeguard.ISOLATION, 1, None),
    (Safeguard.LIMIT, 12 << 8, None)])
def test_an_isolation_names_its_incident(safeguard: Safeguard, observed: int, told: int | None) -> None:
    made = record(decision=Decision.ISOLATED, safeguard=safeguard, observed=observed)
    assert json.loads(one(made, words())).get("incident") == told
    assert flight.document(made[0], Meanings())["incident"] == (told or 0)


@pytest.mark.parametrize(("safeguard", "flags", "told"), [
    (Safeguard.BREAKER, 0, 8), (Safeguard.UPSTREAM_CONCURRENCY, 0, 8), (Safeguard.LIMIT, 0, 7),
    (Safeguard.NONE, 0, None), (Safeguard.LIMIT, flight.SHADOW, None)])
def test_a_refusal_names_the_incident_that_was_open_there(safeguard: Safeguard, flags: int, told: int | None) -> None:
    made = record(decision=Decision.OPEN, safeguard=safeguard, flags=flags, route=3, upstream=1)
    opened = {"routes": {3: 7}, "upstreams": {1: 8}}
    assert json.loads(one(made, words(incidents=opened))).get("incident") == told
    kept = Meanings.from_json(Meanings(incidents=opened).to_json())
    assert flight.document(made[0], kept)["incident"] == (told or 0)


def test_what_is_not_known_is_left_out() -> None:
    found = json.loads(one(record(b"", method=255, attempts=0, status=400, decision=Decision.REFUSED), words()))
    assert list(found) == ["time", "status", "revision", "bytes_in", "bytes_out", "total_ms", "own_ms", "attempts",
                           "decision", "worker"]


def test_a_number_without_a_meaning_has_no_name() -> None:
    made = record(route=7, host=8, decision=200, safeguard=200, method=9)
    assert not {"route", "host", "decision", "safeguard", "method"} & json.loads(one(made, words())).keys()
    assert '"- /x HTTP/1.1"' in one(made, words("combined"))


def test_a_path_that_was_cut_says_so() -> None:
    made = record(b"/" + b"a" * 95, flags=flight.PATH_CUT)
    assert json.loads(one(made, words()))["path"] == flight.path(made[0])
    assert flight.path(made[0]).endswith("a…")


def test_the_combined_format_has_a_dash_for_what_is_not_recorded() -> None:
    made = record(client_low=IPV4 | 0x7F000001, bytes_out=42, agent=1, method=3, status=0, protocol=0)
    told = words("combined", {1: 'x" \\'})
    assert one(made, told) == (
        '127.0.0.1 - - [24/Nov/2025:16:00:00 +0000] "PUT /x HTTP/1.0" 000 42 "-" "x\\x22 \\x5c"\n')
    nothing = one(record(b"", method=255, status=400), told)
    assert nothing == '- - - [24/Nov/2025:16:00:00 +0000] "-" 400 0 "-" "-"\n'


STRANGE = some.binary(max_size=96)
TEXT = some.text(some.characters(max_codepoint=255), max_size=48)


@given(STRANGE, TEXT, TEXT, some.binary(max_size=20))
def test_a_json_line_gives_back_what_a_stranger_wrote(path: bytes, host: str, agent: str, version: bytes) -> None:
    made = record(path, host=1, agent=2, version_size=len(version))
    made["version"][0, : len(version)] = list(version)
    line = one(made, words(texts={1: host, 2: agent}))
    found = json.loads(line)
    assert found.get("path", "") == path.decode("latin-1")
    assert (found.get("host", ""), found.get("agent", "")) == (host, agent)
    assert found.get("version", "") == version.decode("latin-1")
    assert is_one_plain_line(line)


@given(STRANGE, TEXT)
def test_a_combined_line_gives_back_what_a_stranger_wrote(path: bytes, agent: str) -> None:
    line = one(record(path, agent=1), words("combined", {1: agent}))
    found = COMBINED.fullmatch(line)
    assert found is not None
    assert unescaped(found["path"]) == path
    assert unescaped(found["agent"]) == (agent.encode("latin-1") or b"-")
    assert is_one_plain_line(line)


@given(some.lists(some.binary(min_size=256, max_size=256), max_size=20), some.sampled_from(["json", "combined"]))
def test_even_a_record_of_rubbish_is_one_line(raw: list[bytes], form: str) -> None:
    found = lines(b"".join(raw), words(form), 0).decode("ascii")
    assert found.count("\n") == len(raw)
    for line in found.splitlines(keepends=True):
        assert json.loads(line) if form == "json" else COMBINED.fullmatch(line)


@given(some.integers(0, 2**64 - 1), some.integers(0, 2**64 - 1))
@pytest.mark.parametrize("high", [None, 0])
def test_a_client_is_written_as_everywhere(high: int | None, some_high: int, low: int) -> None:
    made = record(client_high=some_high if high is None else high, client_low=low)
    expected = flight.client(int(made["client_high"][0]), low)
    found = json.loads(one(made, words())).get("client", "")
    if int(made["client_high"][0]) == 0 and low >> 32 == 0:         # RFC 4291's old form, ::1.2.3.4, is as good
        assert found.startswith("::") or not expected
    else:
        assert found == expected


@given(some.lists(some.integers(0, 2**62), min_size=1, max_size=5))
def test_times_are_right_in_any_order(times: list[int]) -> None:
    made = np.concatenate([record(started_ns=each) for each in times])
    found = [json.loads(line)["time"] for line in lines(made.tobytes(), words(), 0).splitlines()]
    seconds = [divmod(each + OFFSET, 10**9) for each in times]
    assert found == [f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 10**6:03d}Z"
                     for second, rest in seconds]


def test_many_lines_grow_the_page() -> None:
    made = np.repeat(record(b"\0" * 96), 5000)
    assert len(lines(made.tobytes(), words(), 0).splitlines()) == 5000


def test_half_a_record_and_another_format_are_refused() -> None:
    with pytest.raises(ValueError, match="not whole"):
        lines(b"x" * 255, words(), 0)
    with pytest.raises(ValueError, match="common"):
        words("common")


def test_names_beyond_latin_1_are_still_one_line() -> None:
    line = one(record(endpoint=0), words(endpoints={0: "unix:/run/€.sock"}))
    assert json.loads(line)["endpoint"] == "unix:/run/\\u20ac.sock"


