"""`gateway completion SHELL`: what a shell needs to complete commands, options and targets."""

import click
from click.shell_completion import get_completion_class

from gateway.cli import asking

VARIABLE = "_GATEWAY_COMPLETE"
PLACES = {
    "bash": "gateway completion bash > ~/.local/share/bash-completion/completions/gateway",
    "zsh": "gateway completion zsh > ~/.zfunc/_gateway    (with fpath+=~/.zfunc before compinit)",
    "fish": "gateway completion fish > ~/.config/fish/completions/gateway.fish",
}


@click.command(epilog="\b\n" + "\n".join(PLACES.values()))
@click.argument("shell", type=click.Choice(list(PLACES)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion of SHELL, to be kept where it looks for such."""
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(context.find_root().command, {}, "gateway", VARIABLE).source())


def targets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Routes, upstreams and endpoints of the gateway that answers; none where none does."""
    found = asking.peek(str(context.params.get("admin") or asking.default_admin()), "/v1/targets") or {}
    routes, upstreams = found.get("routes", []), found.get("upstreams", [])
    listed = [*routes, *upstreams, *(end for each in upstreams for end in each["endpoints"])]
    return [each["target"] for each in listed if each["target"].startswith(incomplete)]
