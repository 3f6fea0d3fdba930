"""`provision init`: the first files of a system."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.completion import FILE

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings

_OTHERWISE = "init writes over nothing: choose another --name; `provision import --force` replaces it"


@click.command(
    "init",
    cls=Command,
    purpose=WRITE,
    short_help="Write the first playbooks of a system; never over what is there.",
    examples=(
        ("provision init", "asks for the name and the image; elsewhere than on a terminal takes the defaults"),
        ("provision init --name shop --image nginx:1.27-alpine", "asks nothing"),
        ("provision init --from compose.yaml", "from a Compose file, with its comments"),
    ),
)
@click.option("--name", metavar="NAME", help="The system's name; default: this folder's.")
@click.option("--image", metavar="IMAGE", help="The image of its first service; default: nginx.")
@click.option("--from", "source", metavar="FILE", type=FILE, help="Begin with what a Compose file declares.")
@click.pass_obj
def command(settings: Settings, name: str | None, image: str | None, source: str | None) -> int:
    """Write playbooks/NAME/ with base.yml, local.yml for this machine and prod.yml, and a .gitignore for secrets.

    Nothing that is there is written over, and nothing is applied.
    """
    from provisioner.app.init import IMAGE, Started, initialise, keep_out_of_git, require_name, suggested

    directory = str(Path.cwd())
    default = suggested(Path(directory).name)
    if source is not None:
        from dataclasses import replace

        from provisioner.app.import_compose import import_compose
        from provisioner.errors import UsageError

        if image is not None:
            raise UsageError("--image and --from exclude each other", hint="the images are those of the Compose file")
        request = replace(settings, files=(source,), inherited=settings.inherited - {"files"}).request(None)
        imported = import_compose(request, output=None, name=name, force=False, otherwise=_OTHERWISE)
        started = Started(imported.files, keep_out_of_git(directory), imported.target)
    else:
        name = name or _ask(settings, "What is the system called?", default)
        require_name(name)
        started = initialise(directory, name, image or _ask(settings, "Which image does its first service run?", IMAGE))
    out = settings.out()
    out.write("".join(f"wrote {file}\n" for file in started.files))
    out.write("".join(f"added to {file}: what Git is not to keep\n" for file in started.added_to))
    out.write(f"\nNext: provision plan {started.target}\n")
    return 0


def _ask(settings: Settings, question: str, default: str) -> str:
    """What the user types, or the default: also where there is nobody to ask."""
    if not sys.stdin.isatty():
        return default
    err = settings.err()
    err.write(f"{err.paint.bold(question)} [{default}] ")
    answer = sys.stdin.readline()
    if not answer:
        # Ctrl-D: who ends the conversation has agreed to nothing.
        raise KeyboardInterrupt
    return answer.strip() or default
