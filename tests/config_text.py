"""Configs for tests: `problems(folder, text)` writes a file and answers the lines that `gateway check` would print."""

from pathlib import Path

from gateway.config import load
from gateway.config.problems import ConfigError
from gateway.routing.plan import Plan

TOP = """\
version: 1
listeners: [{address: 127.0.0.1:8080}]
upstreams: {orders: {endpoints: [127.0.0.1:9001]}}
"""


def written(folder: Path, text: str, name: str = "gateway.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    """Every problem, without the folder; empty where the config is good."""
    return problems_of(written(folder, text))


def problems_of(path: Path) -> list[str]:
    try:
        load.load(path)
    except ConfigError as error:
        return [str(problem).replace(f"{path.parent}/", "") for problem in error.problems]
    return []


def plan_of(folder: Path, text: str) -> Plan:
    return load.load(written(folder, text))


def route(text: str) -> str:
    """A whole config around the keys of one route, which begin on line 6, column 5."""
    return f"{TOP}routes:\n  - name: r\n" + "".join(f"    {line}\n" for line in text.splitlines())


def upstream(text: str) -> str:
    """A whole config around the keys of one upstream, which begin on line 5, column 5."""
    return "version: 1\nlisteners: [{address: 127.0.0.1:8080}]\nupstreams:\n  u:\n" + "".join(
        f"    {line}\n" for line in text.splitlines()
    )
