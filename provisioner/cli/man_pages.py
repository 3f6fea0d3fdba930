"""Manual pages in roff (man(7)), made from the same declarations as the help: they say what the program takes now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from provisioner import __version__
from provisioner.cli.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXIT_CODES = (
    ("0", "done, or nothing to do"),
    ("1", "something failed: a step, a check, a lint error"),
    ("2", "changes are pending (with --detailed-exitcode), or drift"),
    ("3", "not converged, rolled back, or not well (status --exit-code)"),
    ("64", "wrong usage"),
    ("65", "the playbook is invalid"),
    ("69", "the engine, or a service that is needed, can not be reached"),
    ("75", "another apply holds the lease"),
    ("76", "the saved plan is stale"),
    ("77", "a secret is missing, not allowed, or can not be compared"),
    ("130", "interrupted"),
)


def pages(main: click.Group, context: click.Context) -> Iterator[tuple[str, str]]:
    """The name and the text of every page: `provision`, `provision-plan`, `provision-secrets-set`."""
    command_pages: list[tuple[str, str]] = []
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is not None and not command.hidden:
            command_pages += _pages_of(command, context, ("provision", name))
    commands = [name for name, _ in command_pages]
    yield "provision", _main_page(main, context, commands)
    yield from command_pages


def _pages_of(command: click.Command, parent: click.Context, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=path[-1], parent=parent)
    members = dict(getattr(command, "commands", {}))
    yield "-".join(path), _page(command, context, path, ["-".join((*path, name)) for name in members])
    for name, member in sorted(members.items()):
        yield from _pages_of(member, context, (*path, name))


def _main_page(main: click.Group, context: click.Context, commands: Sequence[str]) -> str:
    lines = _head(("provision",), main.help or "")
    lines += [".SH SYNOPSIS", ".B provision", "[OPTIONS] COMMAND ..."]
    lines += [".SH COMMANDS"]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is not None and not command.hidden:
            lines += [".TP", f".B {_text(name)}", _text(command.get_short_help_str(limit=200))]
    lines += [".SH OPTIONS", *_options(main, context)]
    return _foot(lines, commands)


def _page(command: click.Command, context: click.Context, path: tuple[str, ...], members: Sequence[str]) -> str:
    lines = _head(path, command.get_short_help_str(limit=200))
    usage = " ".join(command.collect_usage_pieces(context))
    lines += [".SH SYNOPSIS", f".B {_text(' '.join(path))}", _text(usage)]
    lines += [".SH DESCRIPTION", *_paragraphs(command.help or "")]
    options = _options(command, context)
    if options:
        lines += [".SH OPTIONS", *options]
    if isinstance(command, Command):
        if command.see:
            lines += [".SH NOTES", *_paragraphs(command.see)]
        if command.examples:
            lines.append(".SH EXAMPLES")
            for example, said in command.examples:
                lines += [".TP", f".B {_text(example)}", _text(said)]
    return _foot(lines, ["provision", *members])


def _head(path: tuple[str, ...], short: str) -> list[str]:
    name = "-".join(path)
    title = f'.TH {name.upper().replace("-", chr(92) + "-")} 1 "" "provision {__version__}"'
    return [title, ".SH NAME", f"{_text(name)} \\- {_text(short.rstrip('.'))}"]


def _foot(lines: list[str], others: Sequence[str]) -> str:
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODES:
        lines += [".TP", f".B {code}", _text(meaning)]
    if others:
        named = ",\n".join(f".BR {_text(name)} (1)" for name in others)
        lines += [".SH SEE ALSO", named.replace(",\n", " ,\n")]
    return "\n".join(line for line in lines if line) + "\n"


def _options(command: click.Command, context: click.Context) -> list[str]:
    lines: list[str] = []
    for parameter in command.get_params(context):
        record: Any = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record:
            lines += [".TP", f".B {_text(record[0])}", _text(record[1])]
    return lines


def _paragraphs(text: str) -> list[str]:
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]
    lines: list[str] = []
    for index, part in enumerate(parts):
        lines += [".PP", _text(part)] if index else [_text(part)]
    return lines


def _text(text: str) -> str:
    """Text that roff leaves as it is: no escapes, no hyphens, and nothing that begins a request."""
    escaped = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
