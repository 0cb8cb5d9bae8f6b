"""`gateway check` for people and for machines."""

import json
from pathlib import Path

import config_text
from click.testing import CliRunner, Result

from gateway.cli import COMMANDS, main


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


def test_a_good_config_is_summed_up(tmp_path: Path) -> None:
    path = config_text.written(tmp_path, config_text.route("upstream: orders"))
    result = check(str(path))
    assert result.exit_code == 0
    assert result.output.startswith(f"{path}: ok (1 route, 1 upstream, plan ")


def test_a_bad_config_exits_1_with_a_line_for_each_problem(tmp_path: Path) -> None:
    path = config_text.written(tmp_path, "version: 2\n")
    result = check(str(path))
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{path}:1:1: listeners: is required; add it",
        f"{path}:1:10: version: must be 1, not 2",
        "2 problems",
    ]


def test_machines_read_json(tmp_path: Path) -> None:
    path = config_text.written(tmp_path, "version: 1\nlisteners: 1\n")
    result = check("--json", str(path))
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "ok": False,
        "problems": [
            {"file": str(path), "line": 2, "column": 12, "path": "listeners", "message": "must be a list, not 1"}
        ],
    }
    good = config_text.written(tmp_path, config_text.TOP)
    assert json.loads(check("--json", str(good)).output)["ok"] is True


def test_a_problem_is_one_line_without_terminal_escapes(tmp_path: Path) -> None:
    path = config_text.written(tmp_path, config_text.TOP + '"a\\e[31m\\nb": 1\n')
    assert "a\\x1b[31m\\nb: unknown key" in check(str(path)).output


def test_every_command_is_found() -> None:
    for name in COMMANDS:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2


def test_a_check_replays_recorded_requests_too(tmp_path: Path) -> None:
    line = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n'
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old = config_text.written(tmp_path / "old", config_text.route("upstream: orders"))
    new = config_text.written(tmp_path / "new", config_text.route(
        "upstream: orders\nlimits: [{name: tight, key: client, rate: 1/m, burst: 1}]"))
    (tmp_path / "log").write_text(line * 3)
    arguments = ["check", str(new), "--replay", str(tmp_path / "log"), "--old", str(old)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 4, done.output
    assert "newly denied by tight" in done.output
    assert CliRunner().invoke(main, [*arguments, "--approve"]).exit_code == 0
    asked = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).output)
    assert (asked["ok"], asked["replay"]["newly_denied"]) == (True, 2)


def test_a_check_without_anything_to_compare_with_says_what_to_name(tmp_path: Path) -> None:
    config = config_text.written(tmp_path, config_text.route("upstream: orders") + f"\nstate: {{dir: {tmp_path}}}\n")
    done = CliRunner().invoke(main, ["check", str(config), "--since", "1h"])
    assert done.exit_code == 1
    assert "--old FILE" in done.output
