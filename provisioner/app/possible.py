"""Everything that keeps a playbook from being carried out, told at once: by its files, and by its engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.input_files import read_files
from provisioner.app.platform import choose_platform, platform_of
from provisioner.app.wiring import open_engine
from provisioner.errors import PlaybookInvalid, ProvisionError
from provisioner.playbook.crossref import contradictions, mode_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook
    from provisioner.model.span import Problem
    from provisioner.model.state import Facts


def require_possible(
    request: Request, playbook: Playbook, platform: Platform, facts: Facts, *, feasible: bool = True
) -> tuple[Problem, ...]:
    """What has no effect in this mode; PlaybookInvalid with all that can not be carried out on this engine.

    Without `feasible`, contradictions in the playbook are let pass.
    """
    problems = list(contradictions(playbook, platform.mode)) if feasible else []
    notes: tuple[Problem, ...] = ()
    try:
        notes = platform.check(playbook, facts)
    except PlaybookInvalid as error:
        problems += error.problems
    if problems:
        raise PlaybookInvalid(dict.fromkeys([*problems, *_unreadable(request, playbook, platform)]))
    return notes


def refused_all_the_same(request: Request, playbook: Playbook) -> Iterable[Problem]:
    """What else is wrong with a playbook that is refused already: for its engine, as far as that can be reached."""
    mode = mode_of(playbook)
    platform = platform_of(mode) if mode else None
    try:
        engine = open_engine(request, playbook.engine)
        platform = choose_platform(playbook, engine)
        require_possible(request, playbook, platform, engine.facts())
    except PlaybookInvalid as error:
        return error.problems
    except ProvisionError:
        # That the engine can not be reached is told when the playbook is right.
        pass
    return _unreadable(request, playbook, platform) if platform is not None else ()


def _unreadable(request: Request, playbook: Playbook, platform: Platform) -> tuple[Problem, ...]:
    """The files that can not be read. A playbook that is out of the ledger has none, and takes what was kept."""
    try:
        if playbook.files:
            read_files(request, playbook, platform)
    except PlaybookInvalid as error:
        return error.problems
    return ()
