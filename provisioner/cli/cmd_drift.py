"""`provision drift`: what differs on the engine from what was last applied."""

from __future__ import annotations

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
    examples=(("provision drift telecom/prod", "for people"), ("provision drift --json | jq .changes", "for programs")),
    see="Changes in the playbook's files are not drift: `provision plan` shows both. No secret is read.",
)
@target_argument
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, as_json: bool) -> int:
    """Compare the engine with what was last applied, field by field. Reads only; exit 2 when something differs."""
    from provisioner.app.drift import drift as find_drift
    from provisioner.cli.look import look_at
    from provisioner.render.drift_json import drift_json
    from provisioner.render.drift_text import drift_text

    def again(drift: Drift) -> str:
        if settings.quiet or (drift.standing and not drift.adoptable):
            return ""
        return shlex.join(["provision", "adopt" if drift.standing else "apply", *settings.typed(target)])

    return look_at(
        settings, target, find_drift,
        text=lambda drift: drift_text(drift, paint=settings.out().paint, next_command=again(drift)),
        document=drift_json if as_json else None,
        code=lambda drift: DRIFTED if drift.changes else 0,
    )  # fmt: skip
