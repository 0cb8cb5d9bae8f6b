"""`gateway replay`: what people read, and what a CI is told."""
import json
import os
from pathlib import Path

import config_text
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

LINE = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n'


@pytest.fixture(autouse=True)
def same_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command makes its process nice for good; this one is of all the tests."""
    monkeypatch.setattr(os, "nice", lambda more: 0)


def replay(folder: Path, *arguments: str, limits: str = "", log: str = LINE * 3) -> Result:
    old, new = (config_text.written(made, config_text.route("upstream: orders" + more))
                for made, more in ((folder / "old", ""), (folder / "new", limits)))
    (folder / "access.log").write_text(log)
    return CliRunner().invoke(main, ["replay", str(new), "--old", str(old), "--access-log", str(folder / "access.log"),
                                     *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    return tmp_path


TIGHT = "\nlimits: [{name: tight, key: client, rate: 1/m, burst: 1}]"


def test_a_config_that_decides_alike_may_be_applied(folder: Path) -> None:
    result = replay(folder)
    assert result.exit_code == 0, result.output
    assert "3 requests of 0 s replayed" in result.output
    assert "may be applied" in result.output


def test_one_that_denies_more_needs_a_person(folder: Path) -> None:
    result = replay(folder, limits=TIGHT)
    assert result.exit_code == 4, result.output
    assert "needs approval: 2 of 3 requests (66.67%) newly denied, more than 0.1%" in result.output
    assert replay(folder, "--approve", limits=TIGHT).exit_code == 0


def test_scripts_read_the_same_report(folder: Path) -> None:
    result = replay(folder, "--json", limits=TIGHT)
    assert result.exit_code == 4, result.output
    report = json.loads(result.stdout)
    assert (report["requests"], report["newly_denied"], len(report["objections"]) > 0) == (3, 2, True)


def test_what_is_too_old_is_left_out(folder: Path) -> None:
    result = replay(folder, "--since", "1h")
    assert "nothing could be decided" in result.output
    assert result.exit_code == 4


def test_a_bad_config_or_duration_is_told(folder: Path) -> None:
    assert replay(folder, limits="\nnonsense: 1").exit_code == 1
    assert replay(folder, "--since", "soon").exit_code == 1
