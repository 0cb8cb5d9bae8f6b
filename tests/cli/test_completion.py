"""Shells complete commands, options and the targets of the gateway that answers."""
from pathlib import Path

import pytest
from cli.running_api import run, running_api
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from gateway.cli import completion, main


def completed(words: list[str], begun: str) -> list[str]:
    shell = ShellComplete(main, {}, "gateway", completion.VARIABLE)
    return [each.value for each in shell.get_completions(words, begun)]


def test_commands_and_options_are_completed() -> None:
    assert completed([], "con") == ["config"]
    assert "--reason" in completed(["isolate"], "--")


def test_targets_are_those_of_the_gateway_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_api(tmp_path) as address:
        monkeypatch.setenv("GATEWAY_ADMIN", address)
        assert completed(["isolate"], "route:") == ["route:orders", "route:rest"]
        assert completed(["release"], "end") == ["endpoint:api/127.0.0.1:9001"]


def test_nothing_is_said_where_no_gateway_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_ADMIN", "127.0.0.1:1")
    assert completed(["isolate"], "route:") == []


@pytest.mark.parametrize("shell", ["zsh", "fish", "bash"])
def test_each_shell_has_its_script(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert completion.VARIABLE in done.stdout


def test_a_shell_that_is_not_known_is_refused() -> None:
    assert run("127.0.0.1:1", "completion", "tcsh").exit_code == 2
