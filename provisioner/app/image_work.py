"""What `build`, `pull` and `push` share: the images of services, one after the other, each told as a step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.owned import require_services
from provisioner.app.wiring import open_engine
from provisioner.errors import ProvisionError
from provisioner.model.event import Finished, Progress, Started
from provisioner.model.plan import Step
from provisioner.model.report import ImageResult, Outcome, StepResult
from provisioner.platforms.lowering import image_addresses
from provisioner.playbook.select import target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.address import Address
    from provisioner.model.operation import Operation
    from provisioner.model.playbook import Playbook, Service
    from provisioner.ports import Listener

    # Makes the one call for an image; returns the digest that the registry has, where that is known.
    Act = Callable[[Callable[[str], None]], str]


class ImageWork:
    """The images of the named services, or of all, and with `dependencies` of what they depend on.

    `results` grows with each call; a failure is kept and does not raise."""

    def __init__(
        self, request: Request, services: Sequence[str], listener: Listener, *, dependencies: bool = False
    ) -> None:
        self.playbook: Playbook = load_playbook(request)
        require_services(self.playbook, services)
        self.engine: DockerEngine = open_engine(request, self.playbook.engine, manages=False)
        self.results: list[ImageResult] = []
        self._chosen = set(services or self.playbook.services)
        if dependencies:
            self._chosen = set(target(self.playbook, [f"service.{name}" for name in services]).services)
        self._listener = listener

    def services(self, *, built: bool) -> list[tuple[Address, Service]]:
        """The chosen services whose image is built, or those whose image is pulled; each image once."""
        addresses = image_addresses(self.playbook)
        made_here = {service.image for service in self.playbook.services.values() if service.builds}
        by_address: dict[Address, Service] = {}
        for name in sorted(self._chosen):
            service = self.playbook.services[name]
            if (service.builds if built else service.image not in made_here) and service.image:
                by_address.setdefault(addresses[service.image], service)
        return sorted(by_address.items(), key=lambda item: item[0])

    def do(self, operation: Operation, address: Address, reference: str, act: Act) -> bool:
        """Make one call and tell of it; whether it went well."""
        step = Step(len(self.results) + 1, operation, address, "")
        began = time.monotonic()
        self._listener(Started(step))
        digest, error = "", None
        try:
            digest = act(lambda text: self._listener(Progress(step, text)))
        except ProvisionError as failure:
            error = failure
        outcome = Outcome.FAILED if error else Outcome.DONE
        self._listener(Finished(StepResult(step, outcome, time.monotonic() - began, error)))
        self.results.append(ImageResult(address, reference, step.verb, digest, error))
        return error is None
