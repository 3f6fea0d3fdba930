"""`provision rehearse`: prove that an archive can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.cmd_backup import identity_option
from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import ARCHIVE, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.app.rehearse import Rehearsal
    from provisioner.cli.settings import Settings
    from provisioner.model.node import JSON


@click.command(
    "rehearse",
    cls=Command,
    purpose=OPERATE,
    short_help="Prove an archive: restore it into a copy, verify, remove the copy.",
    examples=(
        ("provision rehearse latest campaign/prod", "the newest archive; for cron: only the exit code matters"),
        ("provision rehearse latest campaign/prod --identity key.txt", "an encrypted one"),
    ),
    see="The copy stands beside the real environment under another name, with no port published. It is removed "
    "whatever happens. Checks that need a published port are not run in it.",
)
@click.argument("arguments", metavar="[ARCHIVE] [TARGET]", nargs=-1, type=words(ARCHIVE, TARGET, repeats=False))
@click.option("--latest", is_flag=True, help="The newest archive.")
@identity_option
@json_option
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], latest: bool, identity: str | None, as_json: bool) -> int:
    """Restore an archive (its name, or `latest`) into a copy of the environment, run the checks there, remove it."""
    wanted = ["latest", *arguments] if latest else [*arguments]
    if not 1 <= len(wanted) <= 2:
        raise UsageError("which archive?", hint="provision rehearse latest [TARGET]; provision backup list shows them")
    request = settings.request(wanted[1] if len(wanted) > 1 else None)
    from provisioner.app.rehearse import rehearse
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener
    from provisioner.render.checks_text import checks_text
    from provisioner.render.values import seconds

    with interruptible() as interrupt, progress_listener(settings, as_json=False, silent=as_json) as listener:
        done = rehearse(request, wanted[0], identity, listener=listener, interrupt=interrupt)
    out = settings.out()
    if as_json:
        out.write_json(_document(done))
        return done.exit_code
    if done.checks:
        out.write_folded(checks_text(done.checks, paint=out.paint))
    for name in done.skipped:
        out.write(f"Not checked, since the copy publishes no port: {name}\n")
    proven = "proven" if done.exit_code == 0 else "restored, and a check does not hold"
    out.write(f"{done.title}: {done.archive.id} is {proven}, in {seconds(done.seconds)}\n")
    return done.exit_code


def _document(done: Rehearsal) -> dict[str, JSON]:
    from provisioner.render.checks_json import check_json

    checks: list[JSON] = [dict(check_json(check)) for check in done.checks]
    return {
        "format_version": 1, "target": done.title, "archive": done.archive.id, "proven": done.exit_code == 0,
        "seconds": round(done.seconds, 3), "checks": checks, "skipped": list(done.skipped),
    }  # fmt: skip
