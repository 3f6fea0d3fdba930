"""How a secret's value comes in: typed without an echo, or through standard input; never as an argument."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from provisioner.errors import UsageError
from provisioner.model.secret import LARGEST_SECRET, SecretValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.cli.settings import Settings

STDIN = "-"


def named(settings: Settings, arguments: Sequence[str]) -> tuple[str | None, str, bool]:
    """`[TARGET] NAME [-]` taken apart: the TARGET, the NAME, whether standard input was asked for.

    What stands where a value would is not repeated in the error: it may be one.
    """
    rest = list(arguments)
    through = bool(rest) and rest[-1] == STDIN
    if through:
        rest.pop()
    if not rest:
        raise UsageError("which secret? NAME is missing", hint="provision secrets list shows the names")
    if len(rest) == 1:
        return None, rest[0], through
    target, names = settings.split(rest)
    if target is None or len(names) != 1:
        raise UsageError(
            "[TARGET] NAME expected; a value is never an argument, since everybody on the machine can read those",
            hint="type it when asked, or pipe it in: provision secrets set NAME - < FILE",
        )
    return target, names[0], through


def read_value(name: str, *, through_stdin: bool, exact: bool) -> SecretValue:
    """The value, from standard input where it was asked for or is no terminal, else typed twice without an echo.

    One line end at the end of standard input is left out, unless `exact`.
    """
    if not through_stdin and sys.stdin.isatty():
        typed: str = click.prompt(
            f"Value of {name}", hide_input=True, confirmation_prompt="The same again", err=True, prompt_suffix=": "
        )
        return SecretValue(typed.encode())
    content = sys.stdin.buffer.read(LARGEST_SECRET + 3)
    if not exact:
        content = content.removesuffix(b"\n").removesuffix(b"\r")
    if not content:
        raise UsageError(
            f"standard input has no value for {name}", hint="printf %s VALUE | provision secrets set NAME -"
        )
    return SecretValue(content)
