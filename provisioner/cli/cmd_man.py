"""`provision man`: manual pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import TOOLS, Command
from provisioner.cli.completion import COMMAND, FOLDER, words
from provisioner.errors import UsageError, not_written

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "man",
    cls=Command,
    purpose=TOOLS,
    short_help="Print a manual page, or write all of them to a folder.",
    examples=(
        ("provision man plan | man -l -", "read one"),
        ("provision man -o ~/.local/share/man/man1", "all of them, for `man provision-plan`"),
    ),
)
@click.argument("path", metavar="[COMMAND]...", nargs=-1, type=words(COMMAND, repeats=False))
@click.option("-o", "--output", metavar="DIR", type=FOLDER, help="Write every page to this folder, which is made.")
@click.pass_context
def command(ctx: click.Context, path: tuple[str, ...], output: str | None) -> int:
    """Print the manual page of a command, of the program without one, or write all pages to a folder."""
    from provisioner.app.replace_file import replace_file
    from provisioner.cli.man_pages import pages

    settings: Settings = ctx.obj
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    texts = dict(pages(root.command, root))
    if output:
        folder = Path(output).expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                replace_file(folder / f"{name}.1", text)
        except OSError as error:
            raise not_written(str(folder), error) from error
        settings.err().write(f"wrote {len(texts)} pages to {folder}\n")
        return 0
    name = "-".join(("provision", *path))
    if name not in texts:
        raise UsageError(f"there is no command '{' '.join(path)}'", hint="provision --help")
    settings.out().write(texts[name])
    return 0
