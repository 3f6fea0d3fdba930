"""`provision secrets`: what is declared, where it comes from, and keeping local values."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SECRET, TARGET, words
from provisioner.cli.group import Group
from provisioner.cli.options import json_option, target_argument
from provisioner.cli.secret_input import named, read_value
from provisioner.cli.secrets_key import key
from provisioner.cli.secrets_rotate import rotate
from provisioner.cli.secrets_sync import sync

if TYPE_CHECKING:
    from provisioner.app.secrets import Inventory, Kept
    from provisioner.cli.settings import Settings
    from provisioner.model.node import JSON


@click.command(
    "list",
    cls=Command,
    purpose=OPERATE,
    short_help="Names, tiers, versions, ages, and who uses them.",
    examples=(
        ("provision secrets list telecom/prod", "every declared secret and the tier that it comes from"),
        ("provision secrets list --json", "for programs"),
    ),
    see="VERSION is the source's own, or a keyed fingerprint: it tells versions apart and nothing of the value. "
    "APPLIED compares it with the last apply.",
)
@target_argument
@json_option
@click.pass_obj
def list_(settings: Settings, target: str | None, as_json: bool) -> int:
    """Show every declared secret: where its value comes from, its version and age, and the services that use it."""
    from provisioner.app.secrets import list_secrets
    from provisioner.cli.look import look_at

    return look_at(
        settings, target, list_secrets, text=partial(_text, settings), document=_document if as_json else None,
        code=_no_troubles,
    )  # fmt: skip


@click.command(
    "check",
    cls=Command,
    purpose=OPERATE,
    short_help="Whether every secret is there; exit 77 when one is not.",
    examples=(("provision secrets check telecom/prod", "before a deployment; changes nothing"),),
)
@target_argument
@json_option
@click.pass_obj
def check(settings: Settings, target: str | None, as_json: bool) -> int:
    """Look for every declared secret; say where was looked when one is missing.

    Exit 77 when one is missing or not allowed, 69 when a tier does not answer.
    """
    from provisioner.app.secrets import list_secrets
    from provisioner.cli.look import look_at

    return look_at(
        settings, target, list_secrets, text=partial(_all_there, settings), document=_document if as_json else None,
        code=_none_missing,
    )  # fmt: skip


@click.command(
    "set",
    cls=Command,
    purpose=OPERATE,
    short_help="Keep a value in .env.local or in the OS keyring.",
    examples=(
        ("provision secrets set jwt_secret", "asks for the value and does not show it"),
        ("provision secrets set telecom/dev jwt_secret - < token.txt", "from a file"),
        ("pass show jwt | provision secrets set jwt_secret --keyring", "into the OS keyring"),
    ),
    see="The value is never an argument: everybody on the machine can read those, and the shell keeps them.",
)
@click.argument("arguments", metavar="[TARGET] NAME [-]", nargs=-1, type=words(TARGET, SECRET, repeats=False))
@click.option("--keyring/--file", "in_keyring", default=None, help="In the OS keyring, or in .env.local itself.")
@click.option("--exact", is_flag=True, help="Keep the line end at the end of standard input.")
@click.pass_obj
def set_(settings: Settings, arguments: tuple[str, ...], in_keyring: bool | None, exact: bool) -> int:
    """Keep the value of a declared secret on this machine: typed, or read from standard input.

    It stays where it lies already; a new one goes into .env.local beside the playbook, with mode 0600.
    """
    target, name, through = named(settings, arguments)
    request = settings.request(target)
    from provisioner.app.secrets import find_secret, keep_secret

    find_secret(request, name)
    value = read_value(name, through_stdin=through, exact=exact)
    kept = keep_secret(request, name, value, in_keyring=in_keyring)
    _write_outcome(
        settings, kept, f"{name} is kept in {kept.place} ({value.size} bytes).", "provision apply brings it to"
    )
    return 0


@click.command(
    "unset",
    cls=Command,
    purpose=OPERATE,
    short_help="Remove a value from .env.local and the OS keyring.",
    examples=(("provision secrets unset telecom/prod jwt_secret", "a forgotten value, for instance"),),
)
@click.argument("arguments", metavar="[TARGET] NAME", nargs=-1, type=words(TARGET, SECRET, repeats=False))
@click.pass_obj
def unset(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Remove a value that is kept on this machine. What runs keeps what it has until the next apply."""
    target, name, _ = named(settings, arguments)
    request = settings.request(target)
    from provisioner.app.secrets import forget_secret

    kept = forget_secret(request, name)
    text = f"{name} is removed from {kept.place}." if kept.changed else f"{name} was not in {kept.place}."
    _write_outcome(settings, kept, text, "")
    return 0


command = Group(
    "secrets",
    purpose=OPERATE,
    members=(list_, check, set_, unset, rotate, sync, key),
    help="See and keep the secrets that the playbook declares; a value is never shown.",
    short_help="list, check, set, unset, rotate, sync, key: the playbook's secrets.",
    examples=(
        ("provision secrets list", "where each one comes from"),
        ("provision secrets set jwt_secret", "keep a value in .env.local"),
        ("provision secrets rotate jwt_secret", "a new value, brought to everybody who uses it"),
    ),
)


def _document(inventory: Inventory) -> dict[str, JSON]:
    from provisioner.render.secrets_json import secrets_json

    return secrets_json(inventory.title, inventory.secrets, inventory.messages)


def _text(settings: Settings, inventory: Inventory) -> str:
    from provisioner.app.secrets import age
    from provisioner.render.secrets_text import secrets_text

    _warn(settings, inventory.messages)
    return secrets_text(inventory.title, inventory.secrets, age, paint=settings.out().paint)


def _all_there(settings: Settings, inventory: Inventory) -> str:
    """What `check` says; nothing where a secret is missing, of which an error tells."""
    if inventory.incomplete or settings.quiet:
        return ""
    count = len(inventory.secrets)
    _warn(settings, inventory.messages)
    noun = "secret is" if count == 1 else "secrets are"
    return f"{inventory.title}: {settings.out().paint.green(f'{count} {noun} there.')}\n"


def _none_missing(inventory: Inventory) -> int:
    """0; raises for everything that is missing or unclear."""
    inventory.require()
    return 0


def _no_troubles(inventory: Inventory) -> int:
    """0; raises where a tier did not say what it has."""
    if inventory.troubles:
        inventory.require()
    return 0


def _write_outcome(settings: Settings, kept: Kept, text: str, next_step: str) -> None:
    _warn(settings, kept.cautions)
    if settings.quiet:
        return
    users = ", ".join(kept.used_by)
    tail = f" {next_step} {users}." if next_step and users else ""
    settings.out().write(f"{text}{tail}\n")


def _warn(settings: Settings, messages: tuple[str, ...]) -> None:
    err = settings.err()
    for message in () if settings.quiet else messages:
        err.write(f"{err.paint.yellow('warning:')} {message}\n")
