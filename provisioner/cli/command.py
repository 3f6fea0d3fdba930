"""A command of `provision`: takes the global options after its name too, and shows examples in its help."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from provisioner.cli.exit import ErrorFormat
from provisioner.cli.options import global_options, is_global
from provisioner.cli.settings import Settings
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The key under which a context keeps how errors are told.
ERROR_FORMAT = "provisioner.error_format"

# The groups of `provision --help`, in its order.
PLAN, LOOK, OPERATE, WRITE, TOOLS = (
    "Plan and apply", "Look", "Operate", "Write playbooks", "The tool itself",
)  # fmt: skip
PURPOSES = (PLAN, LOOK, OPERATE, WRITE, TOOLS)

# What Go's strconv.ParseBool takes.
_VALUES = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


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
        return parsed(super().parse_args, ctx, args)

    def _wants_value(self, word: str) -> bool:
        options = (
            parameter for parameter in self.params if isinstance(parameter, click.Option) and word in parameter.opts
        )
        return any(not option.is_flag and not option.count for option in options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with the settings of both places; `-C` takes effect here."""
        settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
        settings = settings.merged(ctx.params, ctx.get_parameter_source)
        settings.check()
        ctx.params = {name: value for name, value in ctx.params.items() if not is_global(name)}
        ctx.obj = settings
        error_format = ctx.meta.get(ERROR_FORMAT)
        if isinstance(error_format, ErrorFormat):
            error_format.verbose, error_format.no_color = settings.verbose, settings.no_color
            error_format.changes = self.streams_json
            error_format.json = ("stdout" if self.streams_json else "stderr") if ctx.params.get("as_json") else ""
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


def parsed(parse: Callable[[click.Context, list[str]], list[str]], ctx: click.Context, args: list[str]) -> list[str]:
    """What `parse` answers, which is click's own way to read the arguments of a context, with values of flags.

    A flag that is said to be false is so whatever a variable says. UsageError for what is neither true nor false;
    click's errors know the command that they are of.
    """
    plain, off = _plain(ctx, args)
    try:
        rest = parse(ctx, plain)
    except click.UsageError as error:
        error.ctx = error.ctx or ctx
        raise
    for name in off:
        ctx.params[name] = False
        ctx.set_parameter_source(name, ParameterSource.COMMANDLINE)
    return rest


def _plain(ctx: click.Context, args: list[str]) -> tuple[list[str], set[str]]:
    """The arguments with flags as click takes them, and the names of those that are off and have no word for it."""
    options = [parameter for parameter in ctx.command.get_params(ctx) if isinstance(parameter, click.Option)]
    flags = {
        spelling: option
        for option in options
        if option.is_flag and option.is_bool_flag and option.expose_value
        for spelling in (*option.opts, *option.secondary_opts)
    }
    valued = {spelling for option in options if not option.is_flag and not option.count for spelling in option.opts}
    plain: list[str] = []
    off: set[str] = set()
    left = list(args)
    while left:
        word = left.pop(0)
        name, given, value = word.partition("=")
        flag = flags.get(name)
        if flag is None or not given:
            plain.append(word)
            off -= {str(flag.name)} if flag is not None else set()
            if word == "--" or not (word.startswith("-") or ctx.allow_interspersed_args):
                break
            if word in valued and left:
                plain.append(left.pop(0))
        elif value not in _VALUES:
            message = f"{ctx.command_path}: {name}={value} is neither true nor false"
            raise UsageError(message, hint=f"{name}=true, which is {name}, or {name}=false")
        elif _VALUES[value] == (name in flag.opts):
            plain.append(flag.opts[0])
            off.discard(str(flag.name))
        elif flag.secondary_opts:
            plain.append(flag.secondary_opts[0])
        else:
            off.add(str(flag.name))
    return plain + left, off


def require_before_service(words: tuple[str, ...]) -> None:
    """UsageError for words that are options of the command that runs, after which they were typed too late.

    What follows a service belongs to the command in it, and no program is called as an option is.
    """
    ctx = click.get_current_context()
    known = {spelling for parameter in ctx.command.params for spelling in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word.startswith("-") and word.partition("=")[0] in known:
            raise UsageError(
                f"{ctx.command_path}: {word} stands too late: what follows the first word that is no option belongs to "
                "the command in the container",
                hint=f"{ctx.command_path} {word} ..., before TARGET and SERVICE",
            )
