"""A command of `provision`: takes the global options after its name too, and shows examples in its help."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.exit import ErrorFormat
from provisioner.cli.options import global_options, is_global
from provisioner.cli.settings import Settings
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

# The key under which a context keeps the manner in which errors are told.
ERROR_FORMAT = "provisioner.manner"

# The groups of `provision --help`, in its order.
PLAN, LOOK, OPERATE, WRITE, TOOLS = (
    "Plan and apply", "Look", "Operate", "Write playbooks", "The tool itself",
)  # fmt: skip
PURPOSES = (PLAN, LOOK, OPERATE, WRITE, TOOLS)


class Command(click.Command):
    """`purpose` is its group in the help, `examples` are command lines with a word on what they do.

    `streams_json`: with --json it writes objects as things happen, and an error is the last of them.
    """

    def __init__(
        self,
        *args: Any,
        purpose: str,
        examples: Sequence[tuple[str, str]] = (),
        see: str = "",
        streams_json: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self.streams_json = streams_json
        self.purpose = purpose
        self.examples = tuple(examples)
        self.see = see
        taken = {spelling for parameter in self.params for spelling in (*parameter.opts, *parameter.secondary_opts)}
        self.params += global_options(frozenset(taken), after_command=True)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an option of one dash and several letters, which is Terraform's, before it is read as short ones."""
        if ctx.resilient_parsing:
            # A shell completes the value of the last option: without that option the words before it can be read.
            return super().parse_args(ctx, args[:-1] if args and self._wants_value(args[-1]) else args)
        from provisioner.cli.foreign_words import single_dash

        own = args
        if not ctx.allow_interspersed_args:
            own = args[: next((index for index, word in enumerate(args) if not word.startswith("-")), len(args))]
        foreign = single_dash(own)
        if foreign is not None:
            raise UsageError(f"{ctx.command_path}: no such option '{foreign[0]}'", hint=foreign[1])
        return super().parse_args(ctx, args)

    def _wants_value(self, word: str) -> bool:
        options = (one for one in self.params if isinstance(one, click.Option) and word in one.opts)
        return any(not option.is_flag and not option.count for option in options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with the settings of both places; `-C` takes effect here."""
        settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
        settings = settings.merged(ctx.params, ctx.get_parameter_source)
        settings.check()
        ctx.params = {name: value for name, value in ctx.params.items() if not is_global(name)}
        ctx.obj = settings
        manner = ctx.meta.get(ERROR_FORMAT)
        if isinstance(manner, ErrorFormat):
            manner.verbose, manner.no_color = settings.verbose, settings.no_color
            manner.changes = self.streams_json
            manner.json = ("stdout" if self.streams_json else "stderr") if ctx.params.get("as_json") else ""
        if settings.directory:
            go_to(settings.directory)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        if self.see:
            with formatter.section("Good to know"):
                formatter.write_text(self.see)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_dl(self.examples, col_max=60)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write_text("Global options (provision --help) may stand before or after the command.")


def go_to(directory: str) -> None:
    """Make a folder the current one."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(f"-C {directory}: {error.strerror}") from error
