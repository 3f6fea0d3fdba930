"""`ps` for programs: the containers of services as Compose tells of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provisioner.app.one_offs import one_off_containers
from provisioner.app.owned import owned_containers
from provisioner.app.service_work import load_with
from provisioner.app.wiring import open_engine
from provisioner.kinds.values import moment
from provisioner.model.looks import ListedContainer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.request import Request


def containers(
    request: Request, services: Sequence[str], *, everything: bool, states: Collection[str], orphans: bool = True
) -> list[ListedContainer]:
    """The running containers of the named services, or of all; with `everything` all, with `states` those in them.

    With either also what `run` made of them, after their own. Without `orphans` those of services that are declared.
    """
    playbook = load_with(request, services)
    engine = open_engine(request, playbook.engine)
    owned = owned_containers(engine, playbook.project, services)
    if everything or states:
        owned += one_off_containers(engine, playbook.project, services)
    listed = {str(raw["Id"]): raw for raw in engine.containers()}
    return [
        _listed(playbook.project, container, listed.get(container.id, {}))
        for container in owned
        if (container.raw["State"]["Status"] in states if states else everything or container.running)
        and (orphans or container.address.name in playbook.services)
    ]


def _listed(project: str, container: OwnedContainer, short: Mapping[str, Any]) -> ListedContainer:
    raw = container.raw
    config, state = raw["Config"], raw["State"]
    command = " ".join([str(raw.get("Path") or ""), *(str(word) for word in raw.get("Args") or ())])
    made = moment(str(raw.get("Created") or ""))
    return ListedContainer(
        address=container.address,
        id=container.id,
        name=str(raw["Name"]).lstrip("/"),
        project=project,
        image=str(config.get("Image") or ""),
        command=command,
        created=made.timestamp() if made else 0.0,
        running_for=_length(datetime.now(UTC).timestamp() - made.timestamp()) if made else "",
        state=str(state["Status"]),
        status=str(short.get("Status") or state["Status"]),
        health=str((state.get("Health") or {}).get("Status") or ""),
        exit_code=int(state.get("ExitCode") or 0),
        ports=tuple(
            (int(port["PrivatePort"]), int(port.get("PublicPort") or 0), str(port.get("IP") or ""), str(port["Type"]))
            for port in short.get("Ports") or ()
        ),
        labels=tuple(sorted((str(key), str(value)) for key, value in (config.get("Labels") or {}).items())),
        networks=tuple(sorted(raw["NetworkSettings"].get("Networks") or {})),
        mounts=tuple(str(mount.get("Name") or mount.get("Source") or "") for mount in raw.get("Mounts") or ()),
    )


def _length(seconds: float) -> str:
    """A length of time in Docker's words: `2 hours`."""
    whole = max(0, int(seconds))
    for limit, text in (
        (1, "Less than a second"), (2, "1 second"), (60, f"{whole} seconds"), (120, "About a minute"),
        (2760, f"{whole // 60} minutes"), (5400, "About an hour"), (172800, f"{round(whole / 3600)} hours"),
        (1209600, f"{whole // 86400} days"), (5184000, f"{whole // 604800} weeks"),
    ):  # fmt: skip
        if whole < limit:
            return f"{text} ago"
    return f"{whole // 2592000} months ago"
