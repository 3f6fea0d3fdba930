"""A command with commands of its own, such as `provision secrets list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.command import Command
from provisioner.cli.options import is_global
from provisioner.cli.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


class Group(Command, click.Group):
    """Takes the global options too, before or after its own name; they reach the command that is called."""

    def __init__(self, *args: Any, members: Sequence[click.Command], **attributes: Any) -> None:
        super().__init__(*args, commands=list(members), no_args_is_help=False, **attributes)

    def invoke(self, ctx: click.Context) -> Any:
        """Hand the settings down; the command that is called makes them take effect."""
        settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
        ctx.obj = settings.merged(ctx.params, ctx.get_parameter_source)
        ctx.params = {name: value for name, value in ctx.params.items() if not is_global(name)}
        return click.Group.invoke(self, ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments call; a wrong name is answered with the nearest right one."""
        name = args[0]
        if ctx.resilient_parsing or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        from provisioner.cli.foreign_words import nearest_command

        known = self.list_commands(ctx)
        near = nearest_command(name, known)
        meant = f"did you mean '{near}'?" if near else f"there are: {', '.join(known)}"
        raise click.UsageError(f"no such command '{name}' ({meant})", ctx)
