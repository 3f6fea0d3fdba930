"""Bind the services: what waits for what, how many run, when a one-shot runs again, how replicas are replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from provisioner.model.node import mapping_of
from provisioner.model.playbook import Dependency, Service, UpdatePolicy
from provisioner.playbook.backups import bind_service_backup
from provisioner.playbook.fields import count_of, flag_of, number_of, seconds_of, text_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.model.node import Node
    from provisioner.model.playbook import Condition

JobRun = Literal["on_change", "once", "always"]


def bind_services(root: Node, project: str) -> dict[str, Service]:
    """The services by name, in file order."""
    section = root.get("services")
    if section is None:
        return {}
    bodies, spans = section.mapping, section.key_spans
    services = {
        name: Service(
            name=name,
            body=body,
            depends_on=_dependencies(body, bodies),
            replicas=_replicas(body),
            job=_job(body),
            update=_update(body),
            backup=bind_service_backup(body),
            image=text_of(body, "image") or f"{project}-{name}",
            builds=body.get("build") is not None,
            span=spans.get(name, body.span),
        )
        for name, body in bodies.items()
    }
    return _with_implied_jobs(services)


def declared_replicas(service: Service) -> int:
    """The replicas that the file declares, whatever the command line asks for."""
    return _replicas(service.body)


def _dependencies(body: Node, active: Collection[str]) -> tuple[Dependency, ...]:
    """An optional dependency that no active profile brings in is nothing to wait for."""
    return tuple(
        Dependency(
            other,
            cast("Condition", text_of(entry, "condition") or "service_started"),
            flag_of(entry, "restart") or False,
            flag_of(entry, "required") is not False,
        )
        for other, entry in mapping_of(body.get("depends_on")).items()
        if other in active
    )


def _replicas(body: Node) -> int:
    if text_of(body, "deploy", "mode") in ("global", "global-job"):
        return 1
    declared = count_of(body, "deploy", "replicas")
    scale = count_of(body, "scale") if declared is None else declared
    return 1 if scale is None else scale


def _job(body: Node) -> JobRun | None:
    if body.get("job") is not None:
        return cast("JobRun", text_of(body, "job", "run") or "on_change")
    return "on_change" if text_of(body, "deploy", "mode") in ("replicated-job", "global-job") else None


def _with_implied_jobs(services: dict[str, Service]) -> dict[str, Service]:
    """A service that others wait for to complete is a one-shot, also where nobody says so."""
    awaited = {
        dependency.service
        for service in services.values()
        for dependency in service.depends_on
        if dependency.condition == "service_completed_successfully"
    }
    return {
        name: replace(service, job="on_change") if name in awaited and service.job is None else service
        for name, service in services.items()
    }


def _update(body: Node) -> UpdatePolicy:
    """The policy of `deploy.update_config`, which `update` is another name of."""
    section = body.get("deploy", "update_config")
    said: dict[str, Any] = {
        "order": text_of(section, "order"),
        "parallelism": count_of(section, "parallelism"),
        "delay": seconds_of(section, "delay"),
        "monitor": seconds_of(section, "monitor"),
        "on_failure": text_of(section, "failure_action"),
        "max_failure_ratio": number_of(section, "max_failure_ratio"),
    }
    return UpdatePolicy(**{name: value for name, value in said.items() if value is not None})
