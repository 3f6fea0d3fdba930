"""Bind the services: what waits for what, how many run, when a one-shot runs again, how replicas are replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from provisioner.document.findings import nearest
from provisioner.model.playbook import Dependency, Service, UpdatePolicy
from provisioner.playbook.backups import bind_service_backup
from provisioner.playbook.fields import Fields, Problems, describe, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import Node
    from provisioner.model.playbook import Condition

JobRun = Literal["on_change", "once", "always"]

_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
_RUNS = ("on_change", "once", "always")
_ORDERS = ("start-first", "stop-first")
_FAILURES = ("pause", "continue", "rollback")


def bind_services(section: Node | None, project: str, problems: Problems) -> dict[str, Service]:
    """The services by name, in file order. A service is left out only where its body is no mapping."""
    if section is None or section.value is None:
        return {}
    if not section.is_mapping:
        problems.expected("a mapping of services", section, "services")
        return {}
    bodies = {}
    for name, body in section.mapping.items():
        if body.is_mapping:
            bodies[name] = body
        else:
            problems.expected("a mapping", body, f"services.{name}")
    spans = section.key_spans
    services = {
        name: replace(_service(name, body, bodies, project, problems), span=spans.get(name, body.span))
        for name, body in bodies.items()
    }
    return _with_implied_jobs(services)


def declared_replicas(service: Service) -> int:
    """The replicas that the file declares, whatever the command line asks for."""
    return _replicas(Fields(service.body, f"services.{service.name}", Problems()))


def _service(name: str, body: Node, bodies: Mapping[str, Node], project: str, problems: Problems) -> Service:
    fields = Fields(body, f"services.{name}", problems)
    builds = fields.child("build") is not None
    image = fields.text("image")
    if not image and not builds and body.get("provider") is None:
        problems.add("has neither 'image' nor 'build'", body.span, fields.path, "name an image, or what to build")
    return Service(
        name=name,
        body=body,
        depends_on=_dependencies(fields, bodies),
        replicas=_replicas(fields),
        job=_job(fields),
        update=_update(fields),
        backup=bind_service_backup(fields),
        image=image or f"{project}-{name}",
        builds=builds,
    )


def _dependencies(fields: Fields, bodies: Mapping[str, Node]) -> tuple[Dependency, ...]:
    section = fields.mapping("depends_on")
    if section is None:
        return ()
    dependencies = []
    for other in section.node.mapping:
        entry = section.mapping(other)
        condition: str | None = "service_started"
        restart, required = False, True
        if entry is not None:
            condition = entry.choice("condition", _CONDITIONS) or condition
            restart = entry.boolean("restart") or False
            required = entry.boolean("required") is not False
        if other in bodies:
            dependencies.append(Dependency(other, cast("Condition", condition), restart, required))
        elif required:
            span = section.node.key_spans.get(other, section.node.mapping[other].span)
            section.problems.add(
                f"depends on '{other}', which is not an active service", span, section.path, nearest(other, bodies)
            )
        # An optional dependency that no active profile brings in is nothing to wait for.
    return tuple(dependencies)


def _replicas(fields: Fields) -> int:
    deploy = fields.node.get("deploy")
    if deploy is not None and deploy.is_mapping:
        section = Fields(deploy, fields.at("deploy"), fields.problems)
        mode = section.child("mode")
        if mode is not None and mode.value in ("global", "global-job"):
            return 1
        replicas = section.child("replicas")
        if replicas is not None:
            number = whole_number(replicas)
            if number is None:
                fields.problems.expected("a whole number from 0", replicas, section.at("replicas"))
                return 1
            return number
    scale = fields.whole("scale")
    return 1 if scale is None else scale


def _job(fields: Fields) -> JobRun | None:
    section = fields.mapping("job")
    if section is not None:
        section.only("run")
        return cast("JobRun", section.choice("run", _RUNS) or "on_change")
    mode = fields.node.get("deploy", "mode")
    if mode is not None and mode.value in ("replicated-job", "global-job"):
        return "on_change"
    return None


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


def _update(fields: Fields) -> UpdatePolicy:
    deployed = fields.node.get("deploy", "update_config")
    given: dict[str, tuple[object, Node]] = {}
    if deployed is not None and deployed.is_mapping:
        given.update(_policy(Fields(deployed, fields.at("deploy.update_config"), fields.problems), "failure_action"))
    own = fields.mapping("update")
    if own is not None:
        own.only("order", "parallelism", "delay", "monitor", "on_failure", "max_failure_ratio")
        for name, (value, node) in _policy(own, "on_failure").items():
            if name in given and given[name][0] != value:
                fields.problems.add(
                    f"'update' says {describe(node)} where 'deploy.update_config' says {describe(given[name][1])}",
                    node.span,
                    own.at(name),
                    "say it in one place",
                )
            given[name] = (value, node)
    return UpdatePolicy(**{name: value for name, (value, _) in given.items()})  # type: ignore[arg-type]


def _policy(section: Fields, failure_key: str) -> dict[str, tuple[object, Node]]:
    read: dict[str, tuple[object, str]] = {
        "order": (section.choice("order", _ORDERS), "order"),
        "parallelism": (section.whole("parallelism"), "parallelism"),
        "delay": (section.duration("delay"), "delay"),
        "monitor": (section.duration("monitor"), "monitor"),
        "on_failure": (section.choice(failure_key, _FAILURES), failure_key),
        "max_failure_ratio": (section.number("max_failure_ratio"), "max_failure_ratio"),
    }
    return {name: (value, section.node.mapping[key]) for name, (value, key) in read.items() if value is not None}
