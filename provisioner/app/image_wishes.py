"""What a command line says of images before services are made from them: built or pulled first, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.build import build
from provisioner.app.pull import pull
from provisioner.errors import ProvisionError, UsageError
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.model.plan import Step
    from provisioner.model.report import ImageResult
    from provisioner.ports import Interrupt, Listener


@dataclass(frozen=True, slots=True)
class ImageWishes:
    """`build` builds what is built first, `pull` pulls what is pulled; with `never_build` and `never_pull` nothing is
    done where an image would have to be built or pulled.
    """

    build: bool = False
    pull: bool = False
    never_build: bool = False
    never_pull: bool = False

    def require_possible(self, platform: Platform) -> None:
        """UsageError for what can not be said to a Swarm."""
        if self.never_pull and platform.pulls_by_itself:
            raise UsageError(
                "--pull never can not be said to a Swarm, whose nodes pull by themselves what they do not have",
                hint="leave it out",
            )

    def bring(self, request: Request, names: Sequence[str], listener: Listener, interrupt: Interrupt) -> None:
        """Build and pull what is asked for. ProvisionError where an image can not be had: nothing else is done then."""
        results: list[ImageResult] = []
        if self.pull:
            results += pull(request, names, built=False, missing=False, listener=listener, interrupt=interrupt)
        if self.build and not any(result.error for result in results):
            results += build(
                request, names, no_cache=False, pull=False, push=False, listener=listener, interrupt=interrupt
            )
        for result in results:
            if result.error is not None:
                raise ProvisionError(f"{result.address}: {result.error.message}", hint=result.error.hint)

    def require_allowed(self, steps: Iterable[Step]) -> None:
        """ProvisionError where steps build or pull what is not to be built or pulled."""
        steps = tuple(steps)
        for verb, never, option, done in (
            (Verb.BUILD, self.never_build, "--no-build", "built"),
            (Verb.PULL, self.never_pull, "--pull never", "pulled"),
        ):
            names = sorted({str(step.address.whole) for step in steps if never and step.verb is verb})
            if names:
                raise ProvisionError(
                    f"{', '.join(names)} would have to be {done}, and {option} is given: nothing was done",
                    hint=f"leave {option} out; provision plan shows why",
                )


# What is missing is built and pulled.
AS_DECLARED = ImageWishes()
