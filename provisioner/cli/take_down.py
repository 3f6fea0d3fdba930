"""What `down` and `wait --down-project` share: a destroy that asks only where data would go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.cli.carry_out import carry_out
from provisioner.cli.options import policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener

_QUESTION = "Delete these objects of {title} on {engine}, and what is in the volumes?"


def take_down(
    settings: Settings,
    request: Request,
    *,
    volumes: bool = False,
    yes: bool = False,
    grace: float | None = None,
    images: str = "",
    lock_timeout: float = 0.0,
    as_json: bool = False,
) -> int:
    """Destroy an environment; with `volumes` its data too, which is asked unless `yes`. The exit code.

    `images` is empty, `local` for the images that were built here without a name of their own, or `all`.
    """
    from provisioner.app.down import down
    from provisioner.cli.confirm import require_answer

    if volumes:
        require_answer(yes=yes)
    permitted = policy(volumes=volumes, lock_timeout=lock_timeout)

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return down(
            request, permitted, grace=grace, images=images, approve=approve, listener=listener, interrupt=interrupt
        )

    return carry_out(settings, act, as_json=as_json, yes=yes or not volumes, question=_QUESTION)
