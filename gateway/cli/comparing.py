"""`gateway requests --compare SPAN BEFORE`: where the failures are that one span has more than another."""

import datetime
import json
from typing import Any
from urllib.parse import urlencode

import click

from gateway.cli.asking import ask

DAY = datetime.timedelta(days=1)


def show(admin: str, span: str, before: str, slow: bool, as_json: bool) -> None:
    now = datetime.datetime.now(datetime.UTC)
    try:
        (since, until), (since_before, until_before) = read_span(span, now), read_span(before, now)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    asked: dict[str, object] = {"since_ns": since, "until_ns": until, "before_since_ns": since_before,
                                "before_until_ns": until_before}
    found = ask(admin, "/v1/requests/compare?" + urlencode(asked | ({"slow": "true"} if slow else {})))
    click.echo(json.dumps(found) if as_json else _text(found))


def read_span(text: str, now: datetime.datetime) -> tuple[int, int]:
    """Two moments in UTC ns: `10:00-10:05` of the day until now, or two ISO dates around a `/`. Raises ValueError."""
    first, mark, last = text.partition("/" if "/" in text else "-")
    if not mark:
        raise ValueError(f"{text!r} is no span; write 10:00-10:05, or 2026-03-02T10:00/2026-03-02T10:05")
    begin = _moment(first, now)
    end = _moment(last, now) if last != "now" else now
    if end <= begin:
        raise ValueError(f"{text!r} ends before it begins")
    return _ns(begin), _ns(end)


def _moment(text: str, now: datetime.datetime) -> datetime.datetime:
    """A time of day is the last one that has been."""
    try:
        if "T" in text:
            found = datetime.datetime.fromisoformat(text)
            return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
        found = datetime.datetime.combine(now.date(), datetime.time.fromisoformat(text), datetime.UTC)
    except ValueError:
        raise ValueError(f"{text!r} is no moment; write 10:00, 10:00:30 or 2026-03-02T10:00") from None
    return found if found <= now else found - DAY


def _ns(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def _text(found: dict[str, Any]) -> str:
    lines = [found["words"]]
    lines += [f"  {each['share']:>4.0%}  {_where(each)}" for each in found["causes"]]
    if found["runners_up"]:
        lines.append("otherwise: " + "; ".join(_where(each) for each in found["runners_up"]))
    for name in ("now", "before"):
        span = found[name]
        part = "" if span["complete"] else ", only the latest of it"
        lines.append(f"{name}: {span['requests']} requests, {span['per_second']:g}/s, {span['bad']} {_bad(found)} "
                     f"({span['records']} records{part})")
    return "\n".join(lines)


def _where(part: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in part["where"].items())


def _bad(found: dict[str, Any]) -> str:
    return "slow" if found["of"] == "slow" else "failed"
