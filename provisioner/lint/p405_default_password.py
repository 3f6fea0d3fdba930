"""P405: a password that everybody knows. Its value is never printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import environment, variables
from provisioner.lint.confidential import is_well_known, secrets_of
from provisioner.lint.images import reference
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity
from provisioner.playbook.ports import published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service

# The variables of images that bring a default account, and how that account is known.
_DEFAULTS = {
    "grafana": (("GF_SECURITY_ADMIN_PASSWORD",), "Grafana's admin"),
    "minio": (("MINIO_ROOT_PASSWORD", "MINIO_SECRET_KEY"), "MinIO's minioadmin"),
    "rabbitmq": (("RABBITMQ_DEFAULT_PASS",), "RabbitMQ's guest"),
}


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        names = _public_names(service, playbook)
        for key, value in variables(service):
            for secret in secrets_of(key, value):
                if is_well_known(secret):
                    yield at(
                        service,
                        "environment",
                        key,
                        message=f"the value of '{key}' is one of the passwords that are tried first",
                    )
                elif secret.lower() in names:
                    message = f"the value of '{key}' is the name of {names[secret.lower()]}"
                    yield at(service, "environment", key, message=message)
        yield from _left_at_default(service)


def _public_names(service: Service, playbook: Playbook) -> dict[str, str]:
    names = {playbook.name.lower(): "the system", service.name.lower(): "the service"}
    for key, value in environment(service).items():
        if key.upper().endswith(("USER", "USERNAME")):
            names[value.lower()] = "the user"
        elif key.upper().endswith(("_DB", "_DATABASE", "DB_NAME")):
            names[value.lower()] = "the database"
    return {name: what for name, what in names.items() if name}


def _left_at_default(service: Service) -> Iterable[Match]:
    keys, account = _DEFAULTS.get(reference(service.image).name, ((), ""))
    given = environment(service)
    spellings = {name for key in keys for name in (key, f"{key}_FILE", f"{key}__FILE")}
    if keys and spellings.isdisjoint(given) and next(published(service.body), None) is not None:
        yield at(service, message=f"{account} keeps the password that it came with", fix=f"set {keys[0]} from a secret")


RULE = Rule(
    id="P405",
    severity=Severity.ERROR,
    title="Default password",
    reason="Scanners try these first, and they find an open port within minutes.",
    fix="use a generated secret: secrets: {name: {generate: {length: 32}}}",
    check=check,
)
