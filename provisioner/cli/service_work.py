"""What the commands on services share: progress while they work, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.cli.interrupt import interruptible
from provisioner.cli.progress_listener import progress_listener
from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from provisioner.cli.settings import Settings
    from provisioner.model.report import StepResult
    from provisioner.ports import Interrupt, Listener

    class Act(Protocol):
        def __call__(self, *, listener: Listener, interrupt: Interrupt) -> Sequence[StepResult]: ...


def work_on_services(settings: Settings, act: Act) -> int:
    """Run `act`, and say in full what failed; 1 where something did, 130 where it was interrupted."""
    with interruptible(deferred=True) as interrupt, progress_listener(settings, as_json=False) as listener:
        results = act(listener=listener, interrupt=interrupt)
    failed = [result for result in results if result.error is not None]
    if failed:
        from provisioner.render.error_text import error_text

        err = settings.err()
        for result in failed:
            if result.error is not None:
                said = error_text(result.error, paint=err.paint, detailed=settings.verbose)
                err.write_folded(f"{result.step.address}: {said}")
    if interrupt.is_set():
        return Interrupted.exit_code
    return 1 if failed else 0
