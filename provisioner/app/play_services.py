"""Which plays have the services that a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.document.findings import nearest
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.plays import PlayList, PlayRequest


def plays_with_services(plays: PlayList, services: Sequence[str]) -> list[tuple[PlayRequest, list[str]]]:
    """The plays that have one of the services, with those that they have; all plays where no service is named.

    UsageError for a name that no play has.
    """
    if not services:
        return [(play, []) for play in plays.plays]
    known = {play.name: load_playbook(play.request, allow_unset=True).services for play in plays.plays}
    every = list(dict.fromkeys(name for names in known.values() for name in names))
    for name in services:
        if name not in every:
            hint = nearest(name, every) or f"there are: {', '.join(sorted(every))}"
            raise UsageError(f"no play of {plays.title} has a service named {name!r}", hint=hint)
    chosen = [(play, [name for name in services if name in known[play.name]]) for play in plays.plays]
    return [(play, names) for play, names in chosen if names]
