"""`exec`: run a command in a running service, with a terminal or through pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.owned import running_replica
from provisioner.app.wiring import open_engine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request


def execute(
    request: Request,
    service: str,
    command: Sequence[str],
    *,
    index: int,
    user: str,
    workdir: str,
    env: Mapping[str, str],
    tty: bool,
    detach: bool,
    privileged: bool = False,
) -> int:
    """The exit code of the command; its input and output are this process's."""
    playbook = load_playbook(request, allow_unset=True)
    engine = open_engine(request, playbook.engine)
    container = running_replica(engine, playbook, service, index)
    return engine.attach_exec(
        container.id,
        command,
        user=user,
        workdir=workdir,
        environment=env,
        tty=tty,
        detach=detach,
        privileged=privileged,
    )
