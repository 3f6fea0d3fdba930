"""`provision backup`: archives of an environment's data, made and looked after."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import ADDRESSES_ONLY, ARCHIVE, FILE, TARGET, words
from provisioner.cli.group import Group
from provisioner.cli.options import json_option, lock_timeout_option, target_argument, yes_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.backup import Inventory
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.model.address import Address
    from provisioner.model.backup import Manifest, Part
    from provisioner.model.node import JSON

_DEFAULT = "create"


def identity_option(function: Any) -> Any:
    """`--identity FILE`: the age key that opens encrypted archives."""
    return click.option(
        "-i", "--identity", metavar="FILE", envvar="PROVISION_IDENTITY", type=FILE,
        help="The age key file that opens encrypted archives. (PROVISION_IDENTITY)",
    )(function)  # fmt: skip


def split_addresses(words: Sequence[str]) -> tuple[str | None, tuple[Address, ...]]:
    """`[TARGET] [ADDRESS…]` taken apart: what is of the form KIND.NAME with a kind that has data is an address."""
    from provisioner.model.address import Address

    target: str | None = None
    addresses = []
    for index, word in enumerate(words):
        address = Address.parse(word)
        if address is not None and address.kind in ("service", "volume"):
            addresses.append(address.whole)
        elif index == 0:
            target = word
        else:
            raise UsageError(f"'{word}' is not an address", hint="write service.NAME or volume.NAME")
    return target, tuple(addresses)


@click.command(
    _DEFAULT,
    cls=Command,
    purpose=OPERATE,
    short_help="Make an archive; the same as `provision backup` alone.",
    examples=(
        ("provision backup campaign/prod", "every dump and every volume, in one archive"),
        ("provision backup campaign/prod service.postgres", "only this"),
        ("provision backup prod --json", "all plays of a list; for programs"),
    ),
    see="What is saved, where and how long it is kept stands in the playbook under `backup`. No apply goes on "
    "meanwhile. Where one part fails there is no archive.",
)
@click.argument("arguments", metavar="[TARGET] [ADDRESS...]", nargs=-1, type=words(TARGET, ADDRESSES_ONLY))
@lock_timeout_option
@json_option
@click.pass_obj
def create(settings: Settings, arguments: tuple[str, ...], lock_timeout: float, as_json: bool) -> int:
    """Save the environment's data: every dump and every volume, in one archive, in each place of `backup.to`."""
    target, addresses = split_addresses(arguments)
    plays = settings.plays(target)
    if plays is not None:
        from provisioner.cli.look import look_at_plays

        if addresses:
            raise UsageError("an address is of one environment", hint="name its playbook as TARGET")
        return look_at_plays(
            settings, plays, lambda play: _create(settings, play.request, (), lock_timeout, as_json=as_json),
            text=lambda manifest: "", document=document if as_json else None,
        )  # fmt: skip
    manifest = _create(settings, settings.request(target), addresses, lock_timeout, as_json=as_json)
    if as_json:
        settings.out().write_json(document(manifest))
    return 0


def _create(
    settings: Settings, request: Request, addresses: Sequence[Address], lock_timeout: float, *, as_json: bool
) -> Manifest:
    from provisioner.app.backup import backup
    from provisioner.app.load import load_playbook
    from provisioner.cli.interrupt import interruptible
    from provisioner.render.backup_text import archive_line, part_line

    out, err = settings.out(), settings.err()

    def show_part(part: Part) -> None:
        if not as_json and not settings.quiet and part.kind != "playbook":
            out.write(part_line(part, paint=out.paint))

    with interruptible() as interrupt:
        manifest = backup(
            request, addresses, on_item=show_part, interrupt=interrupt, lock_timeout=lock_timeout,
            waiting=None if as_json else lambda text: err.write(f"{text}\n"),
        )  # fmt: skip
    if not as_json:
        places = load_playbook(request, allow_unset=True).backup.to
        out.write(archive_line(manifest, places, paint=out.paint))
    return manifest


def document(manifest: Manifest) -> dict[str, JSON]:
    """A manifest for programs."""
    return {"format_version": 1, **asdict(manifest), "size": manifest.size}


@click.command(
    "list",
    cls=Command,
    purpose=OPERATE,
    short_help="The archives that there are.",
    examples=(
        ("provision backup list campaign/prod", "the newest first, place by place"),
        ("provision backup list --json", "for programs"),
    ),
)
@target_argument
@json_option
@click.pass_obj
def list_(settings: Settings, target: str | None, as_json: bool) -> int:
    """Show every archive of the environment. Exit code 1 where one is damaged, 69 where a place does not answer."""
    from provisioner.app.backup import list_backups
    from provisioner.cli.look import look_at

    return look_at(
        settings, target, list_backups, text=partial(_list_text, settings),
        document=_list_document if as_json else None, code=_list_code,
    )  # fmt: skip


def _list_text(settings: Settings, inventory: Inventory) -> str:
    from provisioner.render.backup_text import archives_text

    places = [(url, [archive.manifest for archive in listed.whole], listed.damaged) for url, listed in inventory.places]
    return archives_text(
        inventory.title,
        places,
        {url: unreachable.message for url, unreachable in inventory.silent},
        settings.out().paint,
    )


def _list_document(inventory: Inventory) -> dict[str, JSON]:
    from provisioner.render.error_json import error_json

    places: list[JSON] = [
        {
            "place": url,
            "archives": [document(archive.manifest) for archive in listed.whole],
            "damaged": dict(listed.damaged),
        }
        for url, listed in inventory.places
    ]
    silent: list[JSON] = [{"place": url, "error": error_json(error)} for url, error in inventory.silent]
    return {"format_version": 1, "target": inventory.title, "places": places, "silent": silent}


def _list_code(inventory: Inventory) -> int:
    damaged = any(listed.damaged for _, listed in inventory.places)
    return next((error.exit_code for _, error in inventory.silent), 1 if damaged else 0)


@click.command(
    "show",
    cls=Command,
    purpose=OPERATE,
    short_help="One archive in full.",
    examples=(("provision backup show latest campaign/prod", "its parts, images and versions of secrets"),),
)
@click.argument("archive", type=ARCHIVE)
@target_argument
@json_option
@click.pass_obj
def show(settings: Settings, archive: str, target: str | None, as_json: bool) -> int:
    """Show what an archive holds and what it was made from. ARCHIVE is its name, or `latest`."""
    from provisioner.app.backup import find_backup
    from provisioner.render.backup_text import archive_text

    backup = find_backup(settings.request(target), archive)
    manifest = backup.manifest
    for note in backup.notes:
        settings.err().write(f"{note}\n")
    if as_json:
        settings.out().write_json(document(manifest))
    else:
        settings.out().write(archive_text(manifest, paint=settings.out().paint))
    return 0


@click.command(
    "check",
    cls=Command,
    purpose=OPERATE,
    short_help="Read an archive to its end; nothing is written.",
    examples=(
        ("provision backup check latest campaign/prod", "every checksum"),
        ("provision backup check latest campaign/prod --identity key.txt", "what is encrypted too"),
    ),
)
@click.argument("archive", type=ARCHIVE)
@target_argument
@identity_option
@json_option
@click.pass_obj
def check(settings: Settings, archive: str, target: str | None, identity: str | None, as_json: bool) -> int:
    """Read every part of an archive and compare it with its checksums. Exit code 1 for what is damaged."""
    from provisioner.app.backup import check_backup
    from provisioner.render.backup_text import amount

    out = settings.out()

    def show_part(place: str, part: Part) -> None:
        if not as_json and not settings.quiet:
            out.write(f"{out.paint.green('✔')} {part.file}  {amount(part.size)}  in {place}\n")

    done = check_backup(settings.request(target), archive, identity, on_item=show_part)
    read = "contents" if identity or not done.archive.manifest.encrypted else "checksums"
    if as_json:
        content: dict[str, JSON] = {
            "format_version": 1, "archive": done.archive.id, "whole": True, "checked": read,
            "places": list(done.whole), "lacking": list(done.lacking),
        }  # fmt: skip
        out.write_json(content)
        return 0
    also = "" if read == "contents" else " (encrypted: only checksums; --identity FILE looks into it)"
    out.write(f"{done.archive.id} is whole{also}\n")
    for place in done.lacking:
        out.write(out.paint.yellow(f"It is not in {place}.") + "\n")
    return 0


@click.command(
    "prune",
    cls=Command,
    purpose=OPERATE,
    short_help="Remove the archives that `backup.keep` does not keep.",
    examples=(
        ("provision backup prune campaign/prod", "shows them and asks"),
        ("provision backup prune campaign/prod --yes", "for cron"),
    ),
)
@target_argument
@yes_option
@click.option("--check", "only_look", is_flag=True, help="Only show what would go.")
@json_option
@click.pass_obj
def prune(settings: Settings, target: str | None, yes: bool, only_look: bool, as_json: bool) -> int:
    """Show which archives no rule keeps, ask, and remove them. The newest is never removed."""
    from provisioner.app.backup import plan_prune
    from provisioner.app.backup import prune as remove
    from provisioner.cli.confirm import confirmed, require_answer
    from provisioner.render.backup_text import amount

    if not only_look:
        require_answer(yes=yes)
    pruning = plan_prune(settings.request(target))
    out = settings.out()
    removed: list[str] = []
    if not as_json:
        for place, manifest in pruning.doomed:
            out.write(f"{out.paint.red('-')} {manifest.id}  {amount(manifest.size)}  in {place.url}\n")
        for why in pruning.damaged:
            out.write(f"{out.paint.red('✘')} {why}; it counts for nothing, and is not removed\n")
    if pruning.doomed and not only_look:
        if not yes and not confirmed(settings, f"Remove these archives of {pruning.title}?"):
            return 1
        remove(pruning, lambda manifest: removed.append(manifest.id))
    if as_json:
        doomed = [manifest.id for _, manifest in pruning.doomed]
        content = {"format_version": 1, "target": pruning.title, "kept": pruning.kept, "removed": removed,
                   "would_remove": doomed, "damaged": list(pruning.damaged)}  # fmt: skip
        settings.out().write_json(content)
    else:
        verb = "would go" if only_look else "removed"
        out.write(f"{pruning.title}: {len(pruning.doomed)} {verb}, {pruning.kept} kept\n")
    return 0


class _BackupGroup(Group):
    """Without the name of a command of its own, the words are those of `create`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `create` first, unless a command is named or help is asked for."""
        named = any(word in self.commands for word in args)
        if not named and not {"--help", "-h"} & set(args):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


command = _BackupGroup(
    "backup",
    members=(create, list_, show, check, prune),
    purpose=OPERATE,
    short_help="Save the environment's data in an archive.",
    help="Save the environment's data: dumps and volumes, in one archive. `provision backup [TARGET] [ADDRESS...]` "
    "makes one; the commands below look after those that there are.",
)
