"""Which steps of a plan send the values of secrets to the engine. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.container_environment import secrets_in
from provisioner.model.address import Address
from provisioner.model.operation import Build, Create, CreateContainer, CreatePreStart, Fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.plan import Plan, Step


def sent_secrets(plan: Plan) -> tuple[Address, ...]:
    """The secrets whose values the steps of a plan send, as files, variables or build secrets."""
    return tuple(sorted({Address("secret", key) for step in plan.steps for key in _keys(step, plan)}))


def _keys(step: Step, plan: Plan) -> Iterator[str]:
    resources = plan.desired.resources
    wanted = resources.get(step.address) or resources.get(Address(step.address.kind, step.address.name, 1))
    if step.operation == Create("secret"):
        yield step.address.name
    if wanted is None:
        return
    if isinstance(step.operation, Fill) and step.operation.section == "secrets":
        yield from (str(entry["source"]) for entry in wanted.workload_spec["secrets"].values())
    if isinstance(step.operation, CreateContainer | CreatePreStart):
        yield from (str(entry["secret"]) for entry in secrets_in(wanted.container_spec["environment"]).values())
    if isinstance(step.operation, Build):
        yield from (str(entry["source"]) for entry in (wanted.image.recipe or {}).get("secrets") or ())
