"""P406: a database that lets everybody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import environment, text
from provisioner.lint.images import store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity
from provisioner.playbook.ports import published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook

_OPEN = {
    "POSTGRES_HOST_AUTH_METHOD": ("trust",),
    "MYSQL_ALLOW_EMPTY_PASSWORD": ("yes", "true", "1"),
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": ("yes", "true", "1"),
    "ALLOW_EMPTY_PASSWORD": ("yes", "true", "1"),
    "ALLOW_ANONYMOUS_LOGIN": ("yes", "true", "1"),
}


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        store = store_of(service)
        if store is None:
            continue
        given = environment(service)
        for key, values in _OPEN.items():
            if given.get(key, "").lower() in values:
                yield at(service, "environment", key, message=f"{store.family} asks nobody for a password")
        opened = any(not port.loopback for port in published(service.body))
        if store.family == "MongoDB" and opened and not _has_root(given):
            yield at(service, "environment", message="MongoDB is published and asks nobody for a password")
        if store.family in ("Redis", "Valkey") and opened and not _has_redis_password(service.body):
            yield at(service, "command", message=f"{store.family} is published and asks nobody for a password")


def _has_root(given: dict[str, str]) -> bool:
    return any(key.startswith("MONGO_INITDB_ROOT_PASSWORD") for key in given)


def _has_redis_password(body: Node) -> bool:
    """Whether its command sets one, or reads its configuration from a secret, which can not be looked into."""
    line = _line(body.get("command"))
    return "requirepass" in line or any(path in line.split() for path in _secret_files(body.get("secrets")))


def _secret_files(secrets: Node | None) -> list[str]:
    """The paths in the container under which a service finds its secrets."""
    targets = [text(entry.get("target") or entry.get("source")) for entry in secrets.items] if secrets else []
    return [target if target.startswith("/") else f"/run/secrets/{target}" for target in targets]


def _line(command: Node | None) -> str:
    if command is None:
        return ""
    return " ".join(text(item) for item in command.items) if command.is_sequence else text(command)


RULE = Rule(
    id="P406",
    severity=Severity.ERROR,
    title="Data store without a password",
    reason="Every process on its network reads and deletes everything.",
    fix="set a password from a secret, and remove the setting that lets everybody in",
    check=check,
)
