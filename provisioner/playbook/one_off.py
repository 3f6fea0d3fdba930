"""A service as a command runs it once (`provision run`): its own body, without what only one container can have."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.document.fragment import over_service
from provisioner.document.shape import mapping
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import JSON, Node
    from provisioner.model.playbook import Playbook, Service

# What the service's containers have, and a container beside them can not or shall not have.
_LEFT_OUT = (
    "container_name",
    "restart",
    "scale",
    "job",
    "pre_start",
    "post_start",
    "pre_stop",
    "mac_address",
    "update",
)
_FIXED = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")
# Of `deploy`, what says how many there are and for how long.
_COUNTS = ("replicas", "restart_policy", "update_config", "rollback_config", "endpoint_mode")


@dataclass(frozen=True, slots=True)
class OneOff:
    """What the command line says beside the service. `command` None is the service's own; `entrypoint` likewise.

    `mounts` and `ports` are Compose's short forms; `service_ports` publishes what the service publishes,
    `use_aliases` lets others find it under the service's names.
    """

    service: str
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    service_ports: bool = False
    use_aliases: bool = False
    tty: bool = False
    stdin: bool = False


def with_one_off(playbook: Playbook, run: OneOff, *, directory: str, home: str) -> Playbook:
    """The playbook with the service as it is to run this once. Paths of mounts start in `directory`.

    UsageError for a mount or port that is none.
    """
    service = playbook.services[run.service]
    body = over_service(_bare(service, run), _declared_values(run), directory=directory, home=home)
    changed = replace(service, body=body, depends_on=(), replicas=1, job="always")
    return replace(playbook, services={**playbook.services, run.service: changed})


def _bare(service: Service, run: OneOff) -> Node:
    left_out = {*_LEFT_OUT, *(() if run.service_ports else ("ports",))}
    if run.command is not None or run.entrypoint is not None:
        left_out.add("command")
    if run.entrypoint is not None:
        left_out.add("entrypoint")
    entries = {key: node for key, node in service.body.mapping.items() if key not in left_out}
    networks = entries.get("networks")
    if networks is not None and networks.is_mapping:
        entries["networks"] = mapping(
            {key: _anyone(node, run) for key, node in networks.mapping.items()}, networks
        )  # fmt: skip
    deploy = entries.get("deploy")
    if deploy is not None and deploy.is_mapping:
        kept = {key: node for key, node in deploy.mapping.items() if key not in _COUNTS and key != "mode"}
        entries["deploy"] = mapping(kept, deploy)
    entries.pop("depends_on", None)
    return mapping(entries, service.body)


def _anyone(node: Node, run: OneOff) -> Node:
    """An attachment to a network without an address or names of its own."""
    left_out = _FIXED if run.use_aliases else (*_FIXED, "aliases")
    return mapping({key: item for key, item in node.mapping.items() if key not in left_out}, node)


def _declared_values(run: OneOff) -> dict[str, JSON]:
    values: dict[str, JSON] = {"tty": run.tty, "stdin_open": run.stdin}
    lists = {
        "volumes": run.mounts, "ports": run.ports, "cap_add": run.cap_add, "cap_drop": run.cap_drop,
        "command": run.command or (), "entrypoint": run.entrypoint or (),
    }  # fmt: skip
    values |= {key: list(texts) for key, texts in lists.items() if texts}
    if run.entrypoint is not None and not run.entrypoint:
        values["entrypoint"] = [""]
    for key, pairs in (("environment", run.environment), ("labels", run.labels)):
        if pairs:
            values[key] = dict(pairs)
    values |= {key: text for key, text in (("user", run.user), ("working_dir", run.working_dir)) if text}
    return values
