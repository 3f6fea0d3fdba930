"""Which services use which secrets, read from the playbook's bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.secrets import template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook
    from provisioner.model.span import Span


def users(playbook: Playbook) -> Mapping[str, tuple[str, ...]]:
    """The services that mount each declared secret or have it in their environment, in file order."""
    by_secret: dict[str, list[str]] = {key: [] for key in playbook.secrets}
    for name, service in playbook.services.items():
        keys = set(_mounted(service.body)) | {key for key, _, _ in _in_environment(service.body)}
        for key in keys & by_secret.keys():
            by_secret[key].append(name)
    return {key: tuple(names) for key, names in by_secret.items()}


def environment_uses(playbook: Playbook) -> Iterator[tuple[str, str, str, Span]]:
    """Service, variable, secret and position of every `environment: {X: {secret: NAME}}`."""
    for name, service in playbook.services.items():
        for key, variable, span in _in_environment(service.body):
            yield name, variable, key, span


def needed_as_value(playbook: Playbook) -> frozenset[str]:
    """Secrets whose value is needed on every run, since it goes into a template, an environment or a build."""
    templates = (secret.body.get("template") for secret in playbook.secrets.values())
    parts = {part for node in templates if node is not None for part in template.ingredients(str(node.value))}
    built = {key for service in playbook.services.values() for key in build_secrets(service.body)}
    return frozenset(parts | built | {key for _, _, key, _ in environment_uses(playbook)})


def build_secrets(body: Node) -> Iterator[str]:
    """The secrets that the build of a service may read."""
    yield from _sources(body.get("build", "secrets"))


def _mounted(body: Node) -> Iterator[str]:
    yield from _sources(body.get("secrets"))
    yield from build_secrets(body)


def _sources(section: Node | None) -> Iterator[str]:
    for item in section.items if section is not None and section.is_sequence else ():
        source = item.get("source")
        if source is not None:
            yield str(source.value)


def _in_environment(body: Node) -> Iterator[tuple[str, str, Span]]:
    section = body.get("environment")
    if section is None or not section.is_mapping:
        return
    for variable, item in section.mapping.items():
        secret = item.get("secret")
        if secret is not None:
            yield str(secret.value), variable, item.span
