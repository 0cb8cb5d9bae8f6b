"""What holds for all commands: JSON for scripts, exit codes, errors that say what to do next."""
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.running_api import run, running_api
from click.testing import CliRunner

from gateway.cli import COMMANDS, exits, main


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_api(tmp_path_factory.mktemp("state")) as address:
        yield address


def test_lists_are_an_object_a_line_for_scripts(admin: str) -> None:
    run(admin, "isolate", "route:orders", "--reason", "a test")
    for words in (["audit"], ["config", "log"], ["incidents", "--all"], ["requests"]):
        done = run(admin, *words, "--json")
        assert done.exit_code == exits.DONE, done.output
        assert all(isinstance(json.loads(line), dict) for line in done.stdout.splitlines())
    latest = run(admin, "audit", "--json").stdout.splitlines()[0]
    assert json.loads(latest)["what"] == "isolate"


@pytest.mark.parametrize("words", [["config", "show"], ["audit", "verify"], ["explain", "--path", "/orders/7"],
                                   ["breaker", "api", "open", "--reason", "a test"]])
def test_one_thing_is_one_document_for_scripts(admin: str, words: list[str]) -> None:
    done = run(admin, *words, "--json")
    assert done.exit_code == exits.DONE, done.output
    assert isinstance(json.loads(done.stdout), dict)


def test_a_status_that_is_not_ready_has_its_own_exit_code(admin: str) -> None:
    done = run(admin, "status", "--json")
    assert (done.exit_code, json.loads(done.stdout)["ready"]) == (exits.NOT_READY, False)


@pytest.mark.parametrize(("words", "said"), [
    (["isolate", "route:nowhere", "--reason", "a test"], "there is no route:nowhere; known here: orders, rest"),
    (["release", "route:rest"], "route:rest is not isolated; isolated are: "),
    (["incidents", "show", "77"], "there is no incident 77"),
    (["config", "rollback", "77"], "77"),
    (["incidents", "report", "77"], "there is no incident 77"),
    (["incidents", "report", "77", "--wait"], "there is no incident 77"),
    (["explain", "deadbeef"], "'deadbeef' is no request id, 32 hex digits; `gateway requests` shows them"),
    (["explain", "0" * 32], "there is no record of this request"),
])
def test_what_is_refused_fails_and_says_why_on_stderr(admin: str, words: list[str], said: str) -> None:
    done = run(admin, *words)
    assert done.exit_code == exits.FAILED
    assert said in done.stderr
    assert done.stdout == ""


def test_without_a_gateway_it_is_said_how_to_have_one() -> None:
    done = run("127.0.0.1:1", "status")
    assert done.exit_code == exits.FAILED
    assert "start one with `gateway run`" in done.stderr
    assert "--admin" in done.stderr


@pytest.mark.parametrize(("words", "said"), [
    (["isolat"], "did you mean 'isolate'?"), (["frobnicate"], "No such command 'frobnicate'"),
    (["isolate", "route:orders"], "Missing option '--reason'"),
])
def test_a_wrong_usage_is_2_and_says_how(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == exits.USAGE
    assert said in done.stderr


def test_without_a_config_it_is_said_how_to_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["run"])
    assert done.exit_code == exits.FAILED
    assert "gateway init" in done.stderr
    assert "gateway run --upstream" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_what_it_does(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == exits.DONE
    assert "Usage: main " + name in done.stdout


def test_tokens_are_listed_for_scripts(tmp_path: Path) -> None:
    token = ["token", "--state-dir", str(tmp_path)]
    assert CliRunner().invoke(main, [*token, "add", "ann", "--role", "viewer"]).exit_code == exits.DONE
    [line] = CliRunner().invoke(main, [*token, "list", "--json"]).stdout.splitlines()
    found = json.loads(line)
    assert (found["name"], found["role"]) == ("ann", "viewer")
