"""`provision history`: what was applied, when, by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.app.history import History
    from provisioner.cli.settings import Settings
    from provisioner.model.node import JSON


@click.command(
    "history",
    cls=Command,
    purpose=LOOK,
    short_help="Revisions that were applied: when, by whom, what changed.",
    examples=(
        ("provision history telecom/dev", "the revisions that the engine keeps, the newest first"),
        ("provision show 3", "every field that revision 3 changed"),
        ("provision diff 1 3", "every field in which two revisions differ"),
        ("provision rollback 3", "apply it again"),
    ),
    see="The engine itself keeps the last 20 revisions: the playbook as it was applied, versions of configs, secrets "
    "and builds, never a secret's value.",
)
@target_argument
@click.option("-n", "--lines", "most", type=click.IntRange(min=1), metavar="N", help="Only the last N.")
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, most: int | None, as_json: bool) -> int:
    """Show what was applied to this environment: each revision with what it changed against the one before.

    Applies that failed, or were of a part, stand between them, and revisions whose checks failed are marked. What a
    service said last, its health check and the end of its log, stands below where the last apply failed; with -v
    below every one.
    """
    from provisioner.app.history import history as read_history
    from provisioner.cli.look import look_at
    from provisioner.render.history_json import history_json
    from provisioner.render.history_text import history_text

    def text(history: History) -> str:
        return history_text(
            history.title, history.entries, history.failures, history.destroys, history.parts, most=most,
            detailed=settings.verbose, paint=settings.out().paint,
        )  # fmt: skip

    def document(history: History) -> dict[str, JSON]:
        return history_json(
            history.title,
            history.entries[:most],
            history.failures[:most],
            history.destroys[:most],
            history.parts[:most],
        )

    return look_at(settings, target, read_history, text=text, document=document if as_json else None)
