"""`provision drift`: what differs on the engine from what was last applied."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.app.drift import Drift
    from provisioner.cli.settings import Settings

DRIFTED = 2


@click.command(
    "drift",
    cls=Command,
    purpose=LOOK,
    short_help="What differs on the engine from what was last applied; exit 2 when something does.",
    examples=(
        ("provision drift telecom/prod", "for people"),
        ("provision drift --json | jq .changes", "for programs"),
    ),
    see="Changes in the playbook's files are not drift: `provision plan` shows both. No secret is read.",
)
@target_argument
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, as_json: bool) -> int:
    """Compare the engine with what was last applied, field by field. Reads only; exit 2 when something differs."""
    plays = settings.plays(target)
    from provisioner.app.drift import drift
    from provisioner.render.drift_json import drift_json
    from provisioner.render.drift_text import drift_text

    out = settings.out()
    again = "" if settings.quiet else shlex.join(["provision", "apply", *settings.typed(target)])

    def text(found: Drift) -> str:
        return drift_text(found, paint=out.paint, next_command=again)

    def code(found: Drift) -> int:
        return DRIFTED if found.changes else 0

    if plays is not None:
        from provisioner.cli.plays import look_at_plays

        return look_at_plays(
            settings, plays, lambda play: drift(play.request), text=text, document=drift_json if as_json else None,
            code=code,
        )  # fmt: skip
    found = drift(settings.request(target))
    out.write(json.dumps(drift_json(found), indent=2, ensure_ascii=False) + "\n" if as_json else text(found))
    return code(found)
