"""Collects steps while a plan is made: gives ids, keeps what each object's steps are, sorts nothing."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.model.operation import Wait
from provisioner.model.plan import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.address import Address
    from provisioner.model.operation import Goal, Operation


@dataclass(slots=True)
class Steps:
    """The steps so far. `started` and `ready` give, by address, the step after which a container runs or is ready,
    `gone` the one after which an object is removed, `made` the one that makes it. `max_failures` give, by service, how
    many of its replicas may fail, `waits`, by address and goal, the first wait for the container itself."""

    all: list[Step] = field(default_factory=list)
    made: dict[Address, int] = field(default_factory=dict)
    started: dict[Address, int] = field(default_factory=dict)
    ready: dict[Address, int] = field(default_factory=dict)
    gone: dict[Address, int] = field(default_factory=dict)
    max_failures: dict[Address, int] = field(default_factory=dict)
    waits: dict[tuple[Address, Goal], int] = field(default_factory=dict)

    def add(
        self,
        operation: Operation,
        address: Address,
        cause: str,
        *,
        needs: Iterable[int | None] = (),
        object_id: str = "",
        made_by: int | None = None,
        after: Iterable[int] = (),
    ) -> int:
        """Append one step and return its id. Needs that are None are left out."""
        wanted = {need for need in (*needs, made_by) if need is not None}
        step = Step(
            len(self.all) + 1, operation, address, cause, tuple(sorted(wanted)), object_id, made_by,
            tuple(sorted(set(after) - wanted)), self.max_failures.get(address.whole, 0),
        )  # fmt: skip
        self.all.append(step)
        if isinstance(operation, Wait) and not operation.pre_start:
            self.waits.setdefault((address, operation.goal), step.id)
        return step.id
