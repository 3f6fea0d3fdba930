"""What images are made from now: the digests of build contexts, and those that registries have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.app.freshness import greatest_age, is_due
from provisioner.errors import PlaybookInvalid, ProvisionError
from provisioner.kinds.builders import PLAYBOOK_FOLDER
from provisioner.model.span import Problem
from provisioner.platforms.lowering import plain_body
from provisioner.playbook.select import built_upon

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader


def build_digests(playbook: Playbook, only: Collection[str] | None = None) -> dict[str, str]:
    """The digest of what each built service, or each of `only`, is built from now.

    PlaybookInvalid, with the places of all builds whose context or Dockerfile can not be read.
    """
    wanted = [name for name, service in playbook.services.items() if service.builds and (only is None or name in only)]
    if not wanted:
        return {}
    from provisioner.engines.build_context import build_digest

    by_service: dict[str, str] = {}
    problems: list[Problem] = []

    def digest(name: str) -> str:
        """That of one service; for a context, one that is not built is its image's name."""
        service = playbook.services.get(name)
        if service is None or not service.builds:
            return service.image if service is not None else ""
        if name not in by_service:
            upon = {other: digest(other) for other in built_upon(service.body)}
            build = {**plain_body(service.body)["build"], PLAYBOOK_FOLDER: playbook.directory}
            by_service[name] = ""
            try:
                by_service[name] = build_digest(build, upon)
            except ProvisionError as error:
                span = service.body.mapping["build"].span
                problems.append(Problem(error.message, span, f"services.{name}.build", error.hint))
        return by_service[name]

    digests = {name: digest(name) for name in wanted}
    if problems:
        raise PlaybookInvalid(problems)
    return digests


def registry_digests(playbook: Playbook, engine: EngineReader) -> dict[str, str]:
    """What the registry has now for the images that are to be looked up, always or because they are old."""
    ages = {
        service.image: age
        for service in playbook.services.values()
        if not service.builds and (age := greatest_age(plain_body(service.body))) is not None
    }
    now = datetime.now(UTC)
    wanted = sorted(name for name, age in ages.items() if not age or is_due(engine.inspect("image", name), age, now))
    answers = {reference: engine.distribution(reference) for reference in dict.fromkeys(wanted)}
    return {reference: digest for reference, digest in answers.items() if digest}
