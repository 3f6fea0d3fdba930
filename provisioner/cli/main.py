"""The command `provision`: finds its commands by file name and imports only the one that is called."""

from __future__ import annotations

import gc
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import click

from provisioner import __version__
from provisioner.cli.command import ERROR_FORMAT, PURPOSES, Command, parsed
from provisioner.cli.exit import ErrorFormat, guarded
from provisioner.cli.interrupt import interruptible
from provisioner.cli.options import global_options, snapshot
from provisioner.cli.settings import Settings
from provisioner.cli.streams import prepare
from provisioner.errors import UsageError

_PREFIX = "cmd_"
_FIRST_STEPS = (
    ("provision plan", "what would happen to the Compose file of this folder, and why"),
    ("provision apply", "make it so"),
    ("provision status", "what is there now, and whether it is well"),
    ("provision why service.web", "what is wrong with one object, or leads to its next change"),
)


class Program(click.Group):
    """A group whose commands are the files `cmd_<name>.py` beside this one, each with a constant `command`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the command."""
        return super().parse_args(ctx, args) if ctx.resilient_parsing else parsed(super().parse_args, ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, from the names of their files."""
        return list(_command_names())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one command; None where there is no such file."""
        if name not in self.list_commands(ctx):
            return None
        from importlib import import_module

        command = import_module(f"provisioner.cli.{_PREFIX}{name.replace('-', '_')}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments call; a wrong name is answered with the nearest right one."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is not None:
            return name, command, args[1:]
        if ctx.resilient_parsing:
            return None, None, args[1:]
        if name == "help":
            return self._help(ctx, args[1:])
        from provisioner.cli.foreign_words import COMMANDS, TOOLS, nearest_command, same_verb

        if name in TOOLS:
            hint = same_verb(args, self.list_commands(ctx))
            raise UsageError(f"provision: no such command '{name}': it is in the place of provision itself", hint=hint)
        if name in COMMANDS:
            raise UsageError(f"provision: no such command '{name}'", hint=COMMANDS[name])
        near = nearest_command(name, self.list_commands(ctx))
        meant = f" (did you mean '{near}'?)" if near else ""
        raise click.UsageError(f"no such command '{name}'{meant}", ctx)

    def _help(self, ctx: click.Context, words: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """`help COMMAND` as the command with --help; `help` alone is the whole one."""
        if not words:
            click.echo(ctx.get_help())
            ctx.exit()
        name, command, rest = self.resolve_command(ctx, words)
        return name, command, [*(rest if isinstance(command, click.Group) else ()), "--help"]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in the groups of their purpose."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        for purpose in PURPOSES:
            rows = [
                (name, command.get_short_help_str(limit=80))
                for name, command in commands
                if isinstance(command, Command) and command.purpose == purpose and not command.hidden
            ]
            if rows:
                with formatter.section(purpose):
                    formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """First steps, then the commands, then the options."""
        with formatter.section("First steps"):
            formatter.write_dl(_FIRST_STEPS)
        self.format_commands(ctx, formatter)
        rows = [row for row in (parameter.get_help_record(ctx) for parameter in self.get_params(ctx)) if row]
        with formatter.section("Global options, before or after the command"):
            formatter.write_dl(rows)
        with formatter.section("Good to know"):
            formatter.write_text(
                "TARGET is a playbook without playbooks/ and .yml (telecom/dev), or a path to a file. Without one: "
                "PROVISION_TARGET, else COMPOSE_FILE, else 'local', the only playbook or the Compose file of this "
                "folder or of the nearest one above that has any. Each global option has a variable: "
                "PROVISION_FILE, PROVISION_HOST, ... Exit codes: 0 done, 1 failed, 2 changes are pending, 3 not "
                "converged, 64 usage, 65 invalid playbook, 69 not reachable, 75 locked, 76 stale plan, 77 secret, "
                "130 interrupted."
            )


@cache
def _command_names() -> tuple[str, ...]:
    files = Path(__file__).parent.glob(f"{_PREFIX}*.py")
    return tuple(sorted(file.stem.removeprefix(_PREFIX).replace("_", "-") for file in files))


def program() -> Program:
    """The whole command line."""

    @click.pass_context
    def begin(ctx: click.Context, /, **params: Any) -> None:
        ctx.obj = Settings(environment=snapshot()).merged(params, ctx.get_parameter_source)
        if ctx.invoked_subcommand is None:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(UsageError.exit_code)

    return Program(
        name="provision",
        callback=begin,
        help="Brings Docker environments to the state that a playbook declares, and says why.",
        params=[*global_options(), _version_option()],
        invoke_without_command=True,
        no_args_is_help=False,
        subcommand_metavar="COMMAND ...",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def run() -> None:
    """Entry point: carries out the command line of this process and ends it with the exit code."""
    prepare()
    with interruptible() as interrupt:
        code = execute(sys.argv[1:])
    if interrupt.is_set():
        # A thread that still waits for an answer would keep the process.
        os._exit(code)
    # What is left goes with the process: Python would look through all of it for circles first.
    gc.freeze()
    sys.exit(code)


def execute(arguments: list[str]) -> int:
    """Carry out a command line and return its exit code; every error has become a message."""
    main = program()
    if "_PROVISION_COMPLETE" in os.environ:
        from provisioner.cli.completion_shells import answer

        click.echo(answer(main, os.environ["_PROVISION_COMPLETE"]))
        return 0

    def call(error_format: ErrorFormat) -> int:
        with main.make_context("provision", list(arguments)) as context:
            context.meta[ERROR_FORMAT] = error_format
            result = main.invoke(context)
        return result if isinstance(result, int) else 0

    return guarded(call, ErrorFormat(json="stderr" if "--json" in arguments else ""))


def _version_option() -> click.Option:
    def show(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(f"provision {__version__}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show, help="Show the version."
    )
