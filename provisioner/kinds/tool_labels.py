"""Labels by which Compose and `docker stack` know their objects.

Other tools group and address by them (`docker compose ls`, `docker stack ls`, Portainer, Dozzle). They say nothing of
what a playbook declares, so they are no part of a spec: neither compared nor taken from a file.
Sources: docker/compose pkg/api/labels.go, docker/cli cli/compose/convert/compose.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.state import Grouping

COMPOSE = "com.docker.compose."
COMPOSE_PROJECT = f"{COMPOSE}project"
COMPOSE_SERVICE = f"{COMPOSE}service"
COMPOSE_NUMBER = f"{COMPOSE}container-number"
COMPOSE_ONE_OFF = f"{COMPOSE}oneoff"
COMPOSE_VOLUME = f"{COMPOSE}volume"
COMPOSE_NETWORK = f"{COMPOSE}network"
_CONFIG_HASH = f"{COMPOSE}config-hash"
_VERSION = f"{COMPOSE}version"
_OURS = "provisioner"
_FOLDER = f"{COMPOSE}project.working_dir"
# The files that it was brought up from: absolute paths with commas between them.
COMPOSE_FILES = f"{COMPOSE}project.config_files"
STACK = "com.docker.stack.namespace"
STACK_IMAGE = "com.docker.stack.image"
# What a Swarm writes on the container of a task: the id of its service.
TASK_OF = "com.docker.swarm.service.id"


def grouping_labels(grouping: Grouping | None, project: str, address: Address, kind: str) -> dict[str, str]:
    """The labels by which other tools find an object of an environment; `kind` is that of the engine. None without a
    grouping.
    """
    if grouping is None:
        return {}
    if kind in ("service", "config", "secret"):
        return {STACK: project}
    if kind in ("network", "volume"):
        return {COMPOSE_PROJECT: project, (COMPOSE_NETWORK if kind == "network" else COMPOSE_VOLUME): address.name}
    return {
        COMPOSE_PROJECT: project,
        COMPOSE_SERVICE: address.name,
        COMPOSE_NUMBER: str(address.index or 1),
        COMPOSE_ONE_OFF: "False",
        # Compose lists only containers that have one; to `docker compose up` it is another than its own.
        _CONFIG_HASH: _OURS,
        **({_FOLDER: grouping.directory} if grouping.directory else {}),
        **({COMPOSE_FILES: ",".join(grouping.files)} if grouping.files else {}),
    }


def names_by_compose(labels: Mapping[str, str], aliases: Sequence[str] = ()) -> set[str]:
    """The names that Compose gave a container that it made, by its labels: with hyphens, and as `--compatibility` and
    version 1 write them; and by its `aliases` on a network, of which version 2 writes the container's name first and
    the service's next. None for a container of another maker."""
    parts = [labels.get(key) for key in (COMPOSE_PROJECT, COMPOSE_SERVICE, COMPOSE_NUMBER)]
    texts = [part for part in parts if part]
    if len(texts) < len(parts) or labels.get(_CONFIG_HASH, _OURS) == _OURS:
        return set()
    first = aliases[:1] if [*aliases[1:2]] == texts[1:2] and _is_ordered(labels) else ()
    return {"-".join(texts), "_".join(texts), *first}


def _is_ordered(labels: Mapping[str, str]) -> bool:
    """Whether the Compose that made a container writes aliases in an order: version 1 has none."""
    major = labels.get(_VERSION, "").removeprefix("v").partition(".")[0]
    return major.isdecimal() and int(major) > 1


def is_tool_label(key: str) -> bool:
    """Whether Compose or `docker stack` writes this label by itself."""
    return key.startswith(COMPOSE) or key in (STACK, STACK_IMAGE)


def without_tool_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that are the user's own, as far as Compose and `docker stack` are concerned."""
    return {key: value for key, value in labels.items() if not is_tool_label(key)}


def is_one_off(labels: Mapping[str, str]) -> bool:
    """Whether a container is one of `docker compose run`, which writes True (Compose 2) or true."""
    return labels.get(COMPOSE_ONE_OFF, "").lower() == "true"
