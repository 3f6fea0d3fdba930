"""`provision fmt`: the usual layout of playbooks."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.options import target_argument

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "fmt",
    cls=Command,
    purpose=WRITE,
    short_help="Put the files of a playbook into the usual layout.",
    examples=(
        ("provision fmt shop/prod", "its file, and those that it extends and includes"),
        ("provision fmt --check", "only say which files differ; exit 1 when one does"),
        ("provision fmt --check --diff", "and show how"),
    ),
)
@target_argument
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file is not in the usual layout.")
@click.option("--diff", is_flag=True, help="Show what changes.")
@click.pass_obj
def command(settings: Settings, target: str | None, check: bool, diff: bool) -> int:
    """Indent by two spaces, with one newline at the end and none of the spaces that nobody sees.

    Comments, quotes, order and blank lines stay, and so does what a file means: it is read back and compared before
    anything is written.
    """
    plays = settings.plays(target)
    from provisioner.app.fmt import differing, files_of, write

    requests = [settings.request(target)] if plays is None else [play.request for play in plays.plays]
    directory = requests[0].directory
    files = files_of(requests, plays.request.files if plays is not None else ())
    changes = differing(files, directory)
    if not check:
        write(changes, directory)
    out = settings.out()
    for formatted in changes:
        if diff:
            before, after = (text.splitlines() for text in (formatted.before, formatted.after))
            lines = list(unified_diff(before, after, formatted.file, formatted.file, lineterm=""))
            out.write("".join(f"{line}\n" for line in lines or [f"{formatted.file}: {_unseen(formatted.before)}"]))
        out.write(f"{'would change' if check else 'wrote'} {formatted.file}\n")
    if not changes:
        noun = "file is" if len(files) == 1 else "files are"
        out.write(f"{len(files)} {noun} in the usual layout\n")
    return 1 if check and changes else 0


def _unseen(text: str) -> str:
    """What changes although every line reads the same."""
    if "\r" in text:
        return "its lines end with CR LF, and will with LF"
    return "the newline at its end"
