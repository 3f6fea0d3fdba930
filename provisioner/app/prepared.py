"""A plan with what it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.app.external_inputs import ExternalInputs
    from provisioner.app.platform import Platform
    from provisioner.ledger.records import Ledger
    from provisioner.ledger.revisions import Revision
    from provisioner.model.plan import Plan
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import DesiredState


@dataclass(frozen=True, slots=True)
class Lowered:
    """A playbook and what it declares, where that was worked out before."""

    playbook: Playbook
    desired: DesiredState


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what it was made from; `ledger` is what is known of the environment's past.

    `whole` is false for a plan that leaves a part of the playbook out: what it reaches is no state to keep.
    """

    plan: Plan
    playbook: Playbook
    materials: ExternalInputs
    platform: Platform
    ledger: Ledger
    whole: bool = True

    @property
    def last(self) -> Revision | None:
        """What was applied last, as far as that is known."""
        return self.ledger.last
