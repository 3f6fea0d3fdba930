"""The beginning of a plan and of an apply: the files are read, and the engine is asked.

It answers while the caller loads the rest, which is most of the time of a command that has nothing to do: nothing of
that may be imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.wiring import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.address import Address
    from provisioner.model.playbook import Playbook
    from provisioner.model.span import Problem


def begin(
    request: Request, *, targets: Sequence[Address], scale: Mapping[str, int], feasible: bool
) -> tuple[Playbook, DockerEngine]:
    """The playbook and its engine, which is being asked already what a plan needs.

    PlaybookInvalid for an invalid playbook, Unreachable where no engine answers.
    """

    def further(playbook: Playbook) -> Iterable[Problem]:
        from provisioner.app.possible import refused_all_the_same

        return refused_all_the_same(request, playbook)

    playbook = load_playbook(request, targets=targets, scale=scale, feasible=feasible, further=further)
    return playbook, open_engine(request, playbook.engine, planned=playbook.project)
