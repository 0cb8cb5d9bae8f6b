"""The command `gateway`. Each command is a thin file of this package that calls a room.

A command's module is imported only when that command runs, so that `gateway run` does not pay for what `gateway check`
needs, and a worker, which starts through this package, imports neither.
"""

import difflib
import importlib

import click

# Command -> the module with a click command of the same name.
COMMANDS = {name: f"gateway.cli.{name}" for name in (
    "run", "init", "check", "replay", "config", "status", "top", "requests", "explain", "isolate", "release", "breaker",
    "incidents", "audit", "token", "drill", "demo", "completion")}


class _Commands(click.Group):
    """Finds its commands in COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context,
                        args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Where there is no such command, say which one may be meant."""
        if args and args[0] not in COMMANDS and (close := difflib.get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"there is no command {args[0]!r}; did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="safeguard-gateway", prog_name="gateway")
def main() -> None:
    """Safeguard Gateway: a reverse proxy that runs the whole life of an incident."""
