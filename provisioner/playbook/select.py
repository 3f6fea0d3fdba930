"""A playbook narrowed to what the command line names. Pure: Playbook → Playbook.

The document under `root` stays whole: it is what the files say, not what was asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.document.findings import nearest
from provisioner.errors import UsageError
from provisioner.model.address import Address
from provisioner.model.secret import REFERENCE
from provisioner.playbook.checks import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from provisioner.model.node import Node
    from provisioner.model.playbook import Check, Declared, Playbook, Service

# What a further context of a build starts with that is the image of another service.
SERVICE = "service:"
_GLOBAL = ("global", "global-job")


def target(playbook: Playbook, addresses: Sequence[str]) -> Playbook:
    """Only what the addresses name (`service.api`, `volume.pgdata`), and for services what they need.

    A service needs the services it depends on, those whose images its own is built upon, and their networks, volumes,
    configs and secrets. Checks that run in a service that is left out are left out. Raises `UsageError` for an address
    that names nothing.
    """
    if not addresses:
        return playbook
    wanted = [_require_address(playbook, text) for text in addresses]
    names = {address.name for address in wanted if address.kind in ("service", "image")}
    services = _with_dependencies(playbook, names)

    def objects(kind: str, declared: Mapping[str, Declared], used: Collection[str]) -> Mapping[str, Declared]:
        named = {address.name for address in wanted if address.kind == kind}
        return {key: item for key, item in declared.items() if key in named or key in used}

    secrets = _with_references(playbook, {key for item in services.values() for key in _secrets(item.body)})
    return replace(
        playbook,
        services=services,
        networks=objects("network", playbook.networks, _used(services, _networks)),
        volumes=objects("volume", playbook.volumes, _used(services, _volumes)),
        configs=objects("config", playbook.configs, _used(services, _configs)),
        secrets=objects("secret", playbook.secrets, secrets),
        checks=tuple(check for check in playbook.checks if _runs_in(check, services)),
    )


def built_upon(body: Node) -> tuple[str, ...]:
    """The services whose images a service's build takes as a context (`additional_contexts: {base: service:x}`)."""
    contexts = body.get("build", "additional_contexts")
    if contexts is None or not contexts.is_mapping:
        return ()
    values = [str(item.value) for item in contexts.mapping.values()]
    return tuple(value.removeprefix(SERVICE) for value in values if value.startswith(SERVICE))


def scale(playbook: Playbook, replicas: Mapping[str, int]) -> Playbook:
    """The playbook with other numbers of replicas. Raises `UsageError` for a service that can not have them."""
    for name, number in replicas.items():
        service = playbook.services.get(name)
        if service is None:
            raise UsageError(f"--scale: no service is named '{name}'", hint=_offer(name, playbook.services))
        if number < 0:
            raise UsageError(f"--scale {name}={number}: expected a whole number from 0")
        mode = service.body.get("deploy", "mode")
        if mode is not None and mode.value in _GLOBAL:
            raise UsageError(f"--scale: '{name}' runs once on every engine (deploy.mode: {mode.value})")
        if number > 1 and service.body.get("container_name") is not None:
            raise UsageError(
                f"--scale {name}={number}: its container_name can name one container",
                hint="leave container_name out of the playbook",
            )
    services = {
        name: replace(service, replicas=replicas.get(name, service.replicas))
        for name, service in playbook.services.items()
    }
    return replace(playbook, services=services)


def with_kinds(playbook: Playbook, addresses: Sequence[Address], option: str = "--target: ") -> tuple[Address, ...]:
    """The addresses, those without a kind (`web`) completed where one object has that name. UsageError otherwise.

    `option` is what a message begins with: where the address was given.
    """
    return tuple(address if address.kind else _complete(playbook, address, option) for address in addresses)


def _complete(playbook: Playbook, address: Address, option: str = "--target: ") -> Address:
    sections = _sections(playbook)
    # An image has its service's name, and comes with it.
    kinds = [kind for kind, names in sections.items() if address.name in names and kind != "image"]
    if len(kinds) == 1:
        return replace(address, kind=kinds[0])
    if kinds:
        which = " and ".join(f"a {kind}" for kind in kinds)
        hint = "write " + " or ".join(f"{kind}.{address.name}" for kind in kinds)
        raise UsageError(f"{option}'{address.name}' is {which}", hint=hint)
    known = {name for names in sections.values() for name in names}
    raise UsageError(f"{option}nothing is named '{address.name}'", hint=_offer(address.name, known))


def _sections(playbook: Playbook) -> dict[str, Collection[str]]:
    return {
        "service": playbook.services,
        "image": playbook.services,
        "network": playbook.networks,
        "volume": playbook.volumes,
        "config": playbook.configs,
        "secret": playbook.secrets,
    }


def _require_address(playbook: Playbook, text: str) -> Address:
    address = Address.parse(text) or Address.parse_name(text)
    if address is not None and not address.kind:
        address = _complete(playbook, address)
    sections = _sections(playbook)
    if address is None or address.kind not in sections:
        raise UsageError(f"--target: '{text}' is not an address", hint="write it as service.NAME")
    names = sections[address.kind]
    if address.name not in names:
        raise UsageError(f"--target: no {address.kind} is named '{address.name}'", hint=_offer(address.name, names))
    return address.whole


def _offer(name: str, names: Collection[str]) -> str:
    return nearest(name, names) or (f"there are: {', '.join(sorted(names))}" if names else "there are none")


def _with_dependencies(playbook: Playbook, names: Collection[str]) -> dict[str, Service]:
    reached: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            service = playbook.services[name]
            pending.extend(dependency.service for dependency in service.depends_on)
            pending.extend(other for other in built_upon(service.body) if other in playbook.services)
    return {name: service for name, service in playbook.services.items() if name in reached}


def _with_references(playbook: Playbook, keys: Collection[str]) -> set[str]:
    """The secrets and those that their templates are made of."""
    reached: set[str] = set()
    pending = list(keys)
    while pending:
        key = pending.pop()
        if key in reached or key not in playbook.secrets:
            continue
        reached.add(key)
        template = playbook.secrets[key].body.get("template")
        if template is not None and isinstance(template.value, str):
            pending.extend(REFERENCE.findall(template.value))
    return reached


def _used(services: Mapping[str, Service], read: Callable[[Node], Iterator[str]]) -> set[str]:
    return {key for service in services.values() for key in read(service.body)}


def _networks(body: Node) -> Iterator[str]:
    section = body.get("networks")
    if section is not None and section.is_mapping:
        yield from section.mapping


def _volumes(body: Node) -> Iterator[str]:
    yield from _sources(body.get("volumes"), "volume")


def _configs(body: Node) -> Iterator[str]:
    yield from _sources(body.get("configs"))


def _secrets(body: Node) -> Iterator[str]:
    yield from _sources(body.get("secrets"))
    yield from _sources(body.get("build", "secrets"))
    environment = body.get("environment")
    if environment is not None and environment.is_mapping:
        for item in environment.mapping.values():
            secret = item.get("secret")
            if secret is not None:
                yield str(secret.value)


def _sources(section: Node | None, kind: str | None = None) -> Iterator[str]:
    if section is None or not section.is_sequence:
        return
    for item in section.items:
        source, item_kind = item.get("source"), item.get("type")
        if source is not None and (kind is None or (item_kind is not None and item_kind.value == kind)):
            yield str(source.value)


def _runs_in(check: Check, services: Mapping[str, Service]) -> bool:
    where = check.arguments.get("service", check.arguments.get("from", HOST))
    return where == HOST or where in services
