"""`push`: the images that are built here, to the registries that they are named after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.image_work import ImageWork
from provisioner.errors import ProvisionError
from provisioner.model.operation import Push
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.model.playbook import Service
    from provisioner.model.report import ImageResult
    from provisioner.ports import Interrupt, Listener


def push(
    request: Request, services: Sequence[str], *, dependencies: bool = False, listener: Listener, interrupt: Interrupt
) -> Sequence[ImageResult]:
    """Push what the named services build, or all of them; each image with the further names that it has.

    With `dependencies` also what they depend on.
    """
    work = ImageWork(request, services, listener, dependencies=dependencies)
    for address, service in work.services(built=True):
        if not interrupt.is_set():
            push_one(work, address, service)
    return work.results


def push_one(work: ImageWork, address: Address, service: Service) -> None:
    """Push the image of a service, and its `build.tags`."""
    tags = (plain_body(service.body).get("build") or {}).get("tags") or ()
    for reference in dict.fromkeys((service.image, *tags)):

        def act(progress: Callable[[str], None], reference: str = reference) -> str:
            if work.engine.inspect("image", reference) is None:
                raise ProvisionError(f"image {reference} is not on the engine", hint="build it: `provision build`")
            return work.engine.push(reference, progress)

        work.do(Push(), address, reference, act)
