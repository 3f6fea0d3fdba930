"""What a container can not have of its own where it lives in the namespaces of another one or of the host. Pure.

Engines refuse it when a container is made (daemon: validateNetMode) or started (runc: sysctls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook, Service

# The keys of a service, by what the network is.
_OF_A_NETWORK = {
    "guest": ("hostname", "mac_address", "extra_hosts", "dns", "links", "external_links", "expose"),
    "host": ("links", "external_links"),
}
_IPC_PARAMETERS = ("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")
_NOT_SHARED = ("private", "none")


def namespace_conflicts(playbook: Playbook) -> Iterator[Problem]:
    """Keys of services that belong to whoever has the namespace."""
    for service in playbook.services.values():
        given = service.body.mapping
        if "network_mode" not in given and "ipc" not in given and "uts" not in given:
            continue
        mode = _text(service.body.get("network_mode"))
        kind = "guest" if mode.startswith(("service:", "container:")) else mode
        whose = f"'{mode}'" if kind == "guest" else "the host"
        for key in _OF_A_NETWORK.get(kind, ()):
            if (node := service.body.get(key)) is not None and _is_given(node):
                hint = f"write it at {whose}, or leave it out" if kind == "guest" else "leave it out"
                yield _problem(service, (key,), node, f"can not be had here: the network belongs to {whose}", hint)
        if mode == "host":
            yield from _parameters(service, ("net.",), "network")
        if _text(service.body.get("ipc")) == "host":
            yield from _parameters(service, _IPC_PARAMETERS, "IPC namespace")
        hostname = service.body.get("hostname")
        if (
            _text(service.body.get("uts")) == "host"
            and hostname is not None
            and _is_given(hostname)
            and kind != "guest"
        ):
            text = "can not be had here: `uts: host` takes the name of the host"
            yield _problem(service, ("hostname",), hostname, text, "leave one of the two out")
        yield from _ipc_of_another(playbook, service)


def _ipc_of_another(playbook: Playbook, service: Service) -> Iterator[Problem]:
    ipc = service.body.get("ipc")
    whom, _, name = _text(ipc).partition(":")
    other = playbook.services.get(name) if whom == "service" else None
    own = other.body.get("ipc") if other is not None else None
    if ipc is not None and own is not None and own.value in _NOT_SHARED:
        text = f"service '{name}' does not share its IPC namespace: `ipc: {own.value}` at {own.span}"
        yield _problem(service, ("ipc",), ipc, text, "write `ipc: shareable` there")


def _parameters(service: Service, prefixes: tuple[str, ...], what: str) -> Iterator[Problem]:
    sysctls = service.body.get("sysctls")
    for name, node in sysctls.mapping.items() if sysctls is not None and sysctls.is_mapping else ():
        if name.replace("/", ".").startswith(prefixes):
            text = f"'{name}' can not be set here: the {what} belongs to the host"
            yield _problem(service, ("sysctls", name), node, text, "set it on the host, or leave it out")


def _problem(service: Service, keys: tuple[str, ...], node: Node, text: str, hint: str) -> Problem:
    return Problem(text, node.span, ".".join(("services", service.name, *keys)), hint)


def _is_given(node: Node) -> bool:
    return node.value not in (None, "", (), {})


def _text(node: Node | None) -> str:
    return str(node.value or "") if node is not None else ""
