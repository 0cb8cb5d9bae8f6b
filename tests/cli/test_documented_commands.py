"""Every command that a page of the documentation names is one that there is, with the options that it has."""
import itertools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import certificates
import click
import pytest

from gateway.cli import main
from gateway.config import load
from gateway.config.settings import Gateway

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINE = re.compile(r"^(?:    )?(?:\.venv/bin/)?gateway (.*)$", re.MULTILINE)
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAYS_USAGE = re.compile(r"\[|\.\.\.|…|\||  |\b[A-Z]{4,}$")


def commands() -> Iterator[tuple[str, str]]:
    """(page, words) of each; the generated reference, which shows usage, is not written by hand."""
    for page in PAGES:
        if page.name != "commands.md":
            for found in LINE.findall(page.read_text()):
                words = found.partition("  ")[0].rstrip("\\ ")
                if words and not SAYS_USAGE.search(words):
                    yield str(page.relative_to(ROOT)), words


def typed(words: str) -> list[str]:
    """As a shell splits it, up to a pipe or a redirection."""
    reader = shlex.shlex(words, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    found = list(itertools.takewhile(lambda each: each[0] not in "|&;<>", reader))
    return found[:-1] if found[-1:] == ["2"] else found


@pytest.mark.parametrize(("page", "words"), sorted(set(commands())))
def test_a_command_of_the_documentation_can_be_typed(page: str, words: str) -> None:
    command: click.Command = main
    context, given = None, typed(words)
    try:
        while isinstance(command, click.Group) and given:
            context = command.make_context("gateway", given, parent=context)
            rest = [*context._protected_args, *context.args]
            if not rest:
                return                                              # a group that does something by itself
            name, found, given = command.resolve_command(context, rest)
            assert found is not None, name
            command = found
        command.make_context("gateway", given, parent=context)
    except click.BadParameter as error:
        if "does not exist" not in str(error):                      # a file of whoever reads the page
            raise


def configs() -> Iterator[tuple[str, str]]:
    """(page, text) of each; what begins with no section of a config is something else, such as a rule."""
    for page in PAGES:
        for text in YAML.findall(page.read_text()):
            if text.partition(":")[0] in Gateway.model_fields:
                yield str(page.relative_to(ROOT)), text


@pytest.mark.parametrize(("page", "text"), list(configs()))
def test_a_config_of_the_documentation_can_be_run(page: str, text: str, tmp_path: Path) -> None:
    """Parts of a config are completed first; the certificates that it names are made."""
    certificates.pair(tmp_path, "api.example.com", stem="api")
    text = text.replace("/etc/gateway/", f"{tmp_path}/")
    if "version: 1" not in text:
        text = f"version: 1\nlisteners: [{{address: 127.0.0.1:8080}}]\n{text}"
    if "upstreams:" not in text:
        named = {name: {"endpoints": ["127.0.0.1:9001"]} for name in re.findall(r"upstream: ([a-z-]+)", text)}
        text += f"\nupstreams: {json.dumps(named)}\n" if named else ""
    load.plan_of({"page.yaml": text.encode()})
