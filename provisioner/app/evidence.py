"""The last words of what failed, without values of secrets: as an apply tells them, and as the ledger keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import NotConverged, ProvisionError, StepFailed
from provisioner.model.address import Address
from provisioner.model.secret import SecretValue
from provisioner.secrets.mask import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.app.external_inputs import ExternalInputs
    from provisioner.model.plan import Plan, Step
    from provisioner.model.playbook import Playbook
    from provisioner.model.report import StepResult
    from provisioner.reconcile.execute import Call

# What a record keeps of one failure, so that ten of them fit the smallest store, a config of 500 KiB.
_MOST_LINES = 40
_LONGEST_LINE = 400


def masking_secrets(call: Call, plan: Plan, materials: ExternalInputs) -> Call:
    """`call`, whose errors say nothing of the values of secrets that this apply knows."""

    def masked(
        step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> str:
        try:
            return call(step, made, progress, stopped)
        except (StepFailed, NotConverged) as error:
            mask = mask_of(step.address, plan, materials)
            error.message = mask(error.message)
            error.args = (error.message,)
            error.evidence = tuple(mask(line) for line in error.evidence)
            raise

    return masked


def mask_of(address: Address, plan: Plan, materials: ExternalInputs) -> Mask:
    """What is to be taken out of the words of an object: all secrets, and what its environment says openly."""
    values = (content for content in materials.contents.values() if isinstance(content, SecretValue))
    environment: dict[str, object] = {}
    for resources in (plan.observed.resources, plan.desired.resources):
        resource = resources.get(address)
        spec = resource.workload_spec.get("environment") if resource is not None else None
        environment |= spec if isinstance(spec, dict) else {}
    return Mask(values, {name: value for name, value in environment.items() if isinstance(value, str)})


def kept_evidence(result: StepResult, playbook: Playbook, materials: ExternalInputs) -> tuple[str, ...]:
    """The last words of a failed step, as they may be kept; instead of them a sentence where they must not be.

    A service may print a secret. Where its value is not known here, nobody can take it out of what was printed.
    """
    lines: tuple[str, ...] = getattr(result.error, "evidence", ()) if isinstance(result.error, ProvisionError) else ()
    if not lines:
        return ()
    unknown = unknown_secrets(result.step.address.name, playbook, materials)
    if unknown:
        names = ", ".join(unknown)
        return (f"its output is not kept: the service has secrets whose values this apply did not know ({names})",)
    return tuple(line[:_LONGEST_LINE] for line in lines[-_MOST_LINES:])


def unknown_secrets(service: str, playbook: Playbook, materials: ExternalInputs) -> tuple[str, ...]:
    """The secrets that a service mounts and whose values are not known here: it may print them."""
    return tuple(sorted(name for name in _secrets_of(service, playbook) if _is_unknown(name, materials)))


def _secrets_of(service: str, playbook: Playbook) -> set[str]:
    declared = playbook.services.get(service)
    node = declared.body.get("secrets") if declared is not None else None
    sources = (entry.get("source") for entry in node.items) if node is not None else ()
    return {str(source.value) for source in sources if source is not None}


def _is_unknown(secret: str, materials: ExternalInputs) -> bool:
    return not isinstance(materials.contents.get(Address("secret", secret)), SecretValue)
