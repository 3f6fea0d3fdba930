"""Which plays have which acceptance checks, so that `verify --check NAME` finds those that are meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.plays import PlayList
    from provisioner.app.request import Request


def name_of(request: Request) -> str:
    """What an environment is called where its results stand beside those of others."""
    return load_playbook(request, allow_unset=True).title


def names_of(plays: PlayList) -> dict[str, tuple[str, ...]]:
    """The names of the checks of each play, by its name; none for a playbook that can not be read."""
    names: dict[str, tuple[str, ...]] = {}
    for play in plays.plays:
        try:
            playbook = load_playbook(play.request, allow_unset=True)
        except ProvisionError:
            # Its own verification says what is wrong with it.
            names[play.name] = ()
            continue
        names[play.name] = tuple(check.name for check in playbook.checks)
    return names


def with_checks(plays: PlayList, known: Mapping[str, Sequence[str]], names: Sequence[str]) -> PlayList:
    """The plays that have one of the named checks, or all where none is named. UsageError for a name that none has."""
    every = [name for checks in known.values() for name in checks]
    for name in names:
        if name not in every:
            hint = nearest(name, every) or f"there are: {', '.join(dict.fromkeys(every)) or 'none'}"
            raise UsageError(f"no check of {plays.title} is named {name!r}", hint=hint)
    if not names:
        return plays
    return replace(plays, plays=tuple(play for play in plays.plays if set(names) & set(known[play.name])))
