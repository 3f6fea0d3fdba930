"""`build`: the images that services are built from, as an apply would build them, and on request to their registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.image_work import ImageWork
from provisioner.app.materials import build_digests
from provisioner.app.push import push_one
from provisioner.kinds.image import BUILD_LABEL
from provisioner.kinds.ownership import PROJECT
from provisioner.model.plan import Verb
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.request import Request
    from provisioner.model.playbook import Service
    from provisioner.model.report import ImageResult
    from provisioner.ports import Listener


def build(
    request: Request, services: Sequence[str], *, no_cache: bool, pull: bool, push: bool, listener: Listener
) -> Sequence[ImageResult]:
    """Build what the named services are built from, or everything; what an apply finds then, it does not build again.

    `no_cache` and `pull` hold for this build beside what the playbook says. With `push` each image that was built is
    pushed.
    """
    work = ImageWork(request, services, listener)
    digests = build_digests(work.playbook)
    for address, service in work.services(built=True):
        labels = {BUILD_LABEL: digests[service.name], PROJECT: work.playbook.project}

        def act(progress: Callable[[str], None], service: Service = service, labels: dict[str, str] = labels) -> str:
            recipe = dict(plain_body(service.body)["build"])
            recipe |= {"no_cache": True} if no_cache else {}
            recipe |= {"pull": True} if pull else {}
            work.engine.build(service.image, recipe, labels, progress)
            return ""

        if work.do(Verb.BUILD, address, service.image, act) and push:
            push_one(work, address, service)
    return work.results
