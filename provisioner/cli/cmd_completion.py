"""`provision completion`: the script that teaches a shell to complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import TOOLS, Command

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "completion",
    cls=Command,
    purpose=TOOLS,
    short_help="Print the completion script for a shell.",
    examples=(
        ('eval "$(provision completion bash)"', "in ~/.bashrc"),
        ('eval "$(provision completion zsh)"', "in ~/.zshrc"),
        ("provision completion fish | source", "in ~/.config/fish/config.fish"),
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete commands, options and TARGETs."""
    from click.shell_completion import get_completion_class

    settings: Settings = ctx.obj
    completion = get_completion_class(shell)
    if completion is None:
        ctx.fail(f"no completion for {shell}")
    source = completion(ctx.find_root().command, {}, "provision", "_PROVISION_COMPLETE").source()
    settings.out().write(source + "\n")
    return 0
