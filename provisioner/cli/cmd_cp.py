"""`provision cp`: copy files between containers and this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import INSIDE_OR_FILE, TARGET, words
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings

_USAGE = "provision cp [TARGET] SERVICE:PATH PATH, or PATH SERVICE:PATH; '-' is a tar archive on standard streams"


@click.command(
    "cp",
    cls=Command,
    purpose=OPERATE,
    short_help="Copy files between a service and this machine.",
    examples=(
        ("provision cp db:/var/lib/data/dump.sql .", "from a container, running or not"),
        ("provision cp ./conf/. web:/etc/app", "what is in a folder, into every replica"),
        ("provision cp telecom/dev db:/data - > data.tar", "as a tar archive"),
    ),
    see="The rules are those of docker cp: what ends with /. is the content of a folder, a target that is a folder is "
    "copied into. Modes, times and links stay. From a container files become yours; into one they keep the owner's "
    "number, or with -a become its user's.",
)
@click.argument(
    "arguments", metavar="[TARGET] FROM TO", nargs=-1, type=words(TARGET, INSIDE_OR_FILE, INSIDE_OR_FILE, repeats=False)
)
@click.option("-a", "--archive", is_flag=True, help="Into a container: as files of its user.")
@click.option("-L", "--follow-link", is_flag=True, help="Copy what a link leads to.")
@click.option("--all", "one_off", is_flag=True, help="Containers of `run` too.")
@click.option("--index", type=click.IntRange(min=1), help="Which replica; else into all, and from the first.")
@click.pass_obj
def command(
    settings: Settings, arguments: tuple[str, ...], archive: bool, follow_link: bool, one_off: bool, index: int | None
) -> int:
    """Copy a file or a folder between the containers of a service and this machine, byte for byte."""
    rest = list(arguments)
    target = rest.pop(0) if len(rest) == 3 else None
    if len(rest) != 2:
        raise UsageError("provision cp: expected FROM and TO", hint=_USAGE)
    source, place = (_place(text) for text in rest)
    if (source is None) == (place is None):
        what = "both" if source is not None else "neither"
        raise UsageError(f"provision cp: {what} of FROM and TO name a service", hint=_USAGE)
    request = settings.request(target)
    from provisioner.app.copy import STREAM, copy_in, copy_out

    if source is not None:
        names = [
            copy_out(
                request, *source, rest[1], index=index, follow=follow_link, one_off=one_off,
                write=sys.stdout.buffer.write,
            )
        ]  # fmt: skip
        sys.stdout.buffer.flush()
    elif place is not None:
        names = copy_in(request, rest[0], *place, index=index, follow=follow_link, to_user=archive, one_off=one_off)
    if STREAM not in rest and not settings.quiet:
        for name in names:
            settings.err().write(f"{name}: copied {rest[0]} to {rest[1]}\n")
    return 0


def _place(text: str) -> tuple[str, str] | None:
    """Service and path; None for a path of this machine."""
    if text.startswith((".", "/", "~")) or ":" not in text:
        return None
    service, _, path = text.partition(":")
    return (service, path) if service and "/" not in service else None
