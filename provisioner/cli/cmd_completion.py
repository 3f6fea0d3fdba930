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
    see="Completed are TARGETs, services, addresses, numbers of revisions, variables, profiles, checks, secrets, "
    "plays, contexts and files. bash has to be 4.4 or newer.",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete commands, options, and the names that the playbook knows."""
    from provisioner.cli.completion_shells import script

    settings: Settings = ctx.obj
    settings.out().write(script(ctx.find_root().command, shell), verbatim=True)
    return 0
