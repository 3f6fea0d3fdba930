"""`lint` of a list of plays: the findings of all of them, and what two of them can not both have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.lint import fix, lint
from provisioner.app.plan_plays import read_all, require_no_errors
from provisioner.errors import PlaybookInvalid, ProvisionError
from provisioner.platforms.clashes import PlacedEnvironment, clashes

if TYPE_CHECKING:
    from provisioner.app.lint import FixResult
    from provisioner.app.plays import PlayList, PlayRequest
    from provisioner.model.finding import Finding
    from provisioner.model.playbook import Playbook
    from provisioner.platforms.choice import Mode


def lint_plays(plays: PlayList) -> tuple[Finding, ...]:
    """The findings of every play, those in a file that several of them share once. PlaybookInvalid for clashes.

    No engine is asked: a play counts as one for a Swarm where its playbook says so, and for the engine that it names.
    """
    problems = clashes([_placed(play, playbook) for play, playbook in read_all(plays, allow_unset=True)])
    if problems:
        raise PlaybookInvalid(problems)
    findings: dict[Finding, None] = {}
    errors: list[tuple[str, ProvisionError]] = []
    for play in plays.plays:
        try:
            findings.update(dict.fromkeys(lint(play.request)))
        except ProvisionError as error:
            errors.append((play.name, error))
    require_no_errors(errors)
    return tuple(findings)


def fix_plays(plays: PlayList) -> tuple[FixResult, ...]:
    """Mend what can be mended safely in the files of each play, one after the other."""
    return tuple(fix(play.request) for play in plays.plays)


def _placed(play: PlayRequest, playbook: Playbook) -> PlacedEnvironment:
    engine = playbook.engine
    mode: Mode = "swarm" if engine.mode == "swarm" else "containers"
    return PlacedEnvironment(play.name, play.span, playbook, mode, engine.host or engine.context or "")
