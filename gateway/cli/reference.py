"""`docs/commands.md`, made of the commands themselves."""

import inspect
from collections.abc import Iterator

import click

from gateway.cli import COMMANDS, exits, main

HEAD = """\
# Commands

Made of the commands by `python -m gateway.cli.generate`; `gateway COMMAND --help` says the same.

Commands that ask a running gateway take its admin address of `--admin` or `GATEWAY_ADMIN` (`127.0.0.1:9900`, or
`unix:/run/gateway/admin.sock`), and a token, where one is needed, of `GATEWAY_TOKEN`. Tables are for people; `--json`
prints one document where a command shows one thing, and one object a line where it shows a list. `gateway completion
bash` (zsh, fish) prints what a shell needs to complete commands, options and the targets of the gateway that answers.

| exit code | meaning |
|---|---|
"""


def text() -> str:
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in exits.MEANINGS.items())
    context = click.Context(main, info_name="gateway")
    return HEAD + codes + "".join(_of(each) for each in _commands(main, context, list(COMMANDS)))


def _commands(group: click.Group, context: click.Context, names: list[str]) -> Iterator[click.Context]:
    """Each command with the commands in it, as contexts: a command's usage is that of its place."""
    for name in names:
        command = group.get_command(context, name)
        if command is not None:
            inner = click.Context(command, info_name=name, parent=context)
            yield inner
            if isinstance(command, click.Group):
                yield from _commands(command, inner, command.list_commands(inner))


def _of(context: click.Context) -> str:
    command = context.command
    mark = "#" * min(len(context.command_path.split()), 3)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    options = [each.get_help_record(context) for each in command.params if isinstance(each, click.Option)]
    rows = "".join(f"| `{_cell(told[0])}` | {_cell(told[1])} |\n" for told in options if told is not None)
    words = inspect.cleandoc(command.help or "")
    table = f"\n| option | |\n|---|---|\n{rows}" if rows else ""
    return f"\n{mark} {context.command_path}\n\n    {usage}\n\n{words}\n{table}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
