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
    """The secrets whose values the steps of a plan send: as objects, files, variables or build secrets."""
    return tuple(sorted({Address("secret", key) for step in plan.steps for key in secrets_of_step(step, plan)}))


def secrets_of_step(step: Step, plan: Plan) -> Iterator[str]:
    """The keys of the secrets whose values a step of the plan sends."""
    resources = plan.desired.resources
    wanted = resources.get(step.address) or resources.get(Address(step.address.kind, step.address.name, 1))
    if step.operation == Create("secret"):
        yield step.address.name
    if wanted is None:
        return
    match step.operation:
        case Fill(section="secrets"):
            yield from (str(entry["source"]) for entry in wanted.workload_spec["secrets"].values())
        case CreateContainer() | CreatePreStart():
            yield from (str(entry["secret"]) for entry in secrets_in(wanted.container_spec["environment"]).values())
        case Build():
            yield from (str(entry["source"]) for entry in (wanted.image.recipe or {}).get("secrets") or ())
