"""`provision why`: what is wrong with one object, or leads to its next change."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import ADDRESS, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "why",
    cls=Command,
    purpose=LOOK,
    short_help="What is wrong with an object, or leads to its next change.",
    examples=(
        ("provision why telecom/dev service.ingest", "state, health check, last lines, what it waits for"),
        ("provision why web", "a name alone, where one object has it"),
        ("provision why 'service.api[2]'", "one replica"),
        ("provision why volume.data --json", "for programs"),
    ),
    see="What a service said is shown without the values of its secrets; `provision logs` shows all of it as it is.",
)
@click.argument("arguments", metavar="[TARGET] ADDRESS", nargs=-1, type=words(TARGET, ADDRESS, repeats=False))
@json_option
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], as_json: bool) -> int:
    """Show everything about one object: how it is doing, its last words, what an apply would do to it and why, what it
    waits for, who needs it, where it is declared, and how it failed the last time.
    """
    target, rest = settings.split(arguments)
    if len(rest) != 1:
        raise UsageError("provision why wants one ADDRESS", hint="for example: provision why service.api")
    from provisioner.app.why import why

    explanation = why(settings.request(target), rest[0])
    out = settings.out()
    if as_json:
        from provisioner.render.why_json import why_json

        out.write_json(why_json(explanation))
        return 0
    from provisioner.render.why_text import why_text

    again = shlex.join(["provision", "apply", *settings.typed(target)])
    text = why_text(explanation, paint=out.paint, next_command="" if settings.quiet else again, width=out.columns)
    out.write_folded(text)
    return 0
