"""`pull`: the images of services from their registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.image_work import ImageWork
from provisioner.model.operation import Pull
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.model.playbook import Service
    from provisioner.model.report import ImageResult
    from provisioner.ports import Interrupt, Listener


def pull(
    request: Request,
    services: Sequence[str],
    *,
    built: bool,
    missing: bool,
    dependencies: bool = False,
    listener: Listener,
    interrupt: Interrupt,
) -> Sequence[ImageResult]:
    """Pull the images of the named services, or all; with `built` also those that could be built here, as they were
    pushed. With `missing` only those that the engine has not, with `dependencies` also what they depend on.
    """
    work = ImageWork(request, services, listener, dependencies=dependencies)
    chosen = work.services(built=False) + (work.services(built=True) if built else [])
    for address, service in sorted(chosen, key=lambda item: item[0]):
        if interrupt.is_set():
            break
        if not missing or work.engine.inspect("image", service.image) is None:
            _pull_one(work, address, service)
    return work.results


def _pull_one(work: ImageWork, address: Address, service: Service) -> None:
    def act(progress: Callable[[str], None]) -> str:
        work.engine.pull(service.image, plain_body(service.body).get("platform"), progress)
        raw = work.engine.inspect("image", service.image) or {}
        return next((str(digest).rpartition("@")[2] for digest in raw.get("RepoDigests") or ()), "")

    work.do(Pull(), address, service.image, act)
