"""`down`: a destroy, and on request the images that the services ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.destroy import destroy
from provisioner.app.load import load_playbook
from provisioner.app.wiring import open_engine
from provisioner.errors import EngineRefused
from provisioner.model.event import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.app.request import Request
    from provisioner.model.plan import Plan, Policy
    from provisioner.ports import Interrupt, Listener


def down(
    request: Request,
    policy: Policy,
    *,
    grace: float | None,
    images: str,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> ApplyResult:
    """Destroy an environment. `grace` is the time (seconds) before a container is killed.

    `images` is empty, `local` for what was built here without an `image:` of its own, or `all`; one that somebody else
    uses stays, and is told.
    """
    result = destroy(
        request, policy, approve=approve, listener=listener, interrupt=interrupt, grace=grace
    )  # fmt: skip
    if images and result.report is not None and result.exit_code == 0:
        _remove_images(request, images, listener)
    return result


def _remove_images(request: Request, which: str, listener: Listener) -> None:
    playbook = load_playbook(request, allow_unset=True)
    engine = open_engine(request, playbook.engine)
    references = {
        service.image for service in playbook.services.values() if which == "all" or service.body.get("image") is None
    }  # fmt: skip
    for reference in sorted(references):
        if engine.inspect("image", reference) is None:
            continue
        try:
            engine.remove("image", reference)
        except EngineRefused as error:
            listener(Notice(f"the image {reference} stays: {error.message}"))
        else:
            listener(Notice(f"the image {reference} is removed"))
