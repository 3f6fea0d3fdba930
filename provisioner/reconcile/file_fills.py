"""The steps that fill the volumes with configs and secrets on a plain engine, once for all replicas. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds import file_volume
from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.file_volume import FILES_KIND
from provisioner.model.operation import Fill, FillPart

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from provisioner.model.change import Change
    from provisioner.model.state import ObservedState, Resource
    from provisioner.reconcile.steps import Steps


class FileFills:
    """Adds such steps to `steps`. `filled` are the operations of which it is known that they filled their volume.

    A container is made when its files are complete, so a volume that a container has is complete, and left alone. A
    carrier that was to fill one, and was left behind, says nothing of it.
    """

    def __init__(self, project: str, observed: ObservedState, steps: Steps, filled: Collection[str]) -> None:
        self._project = project
        self._steps = steps
        carriers = {leftover.id for leftover in observed.leftovers if leftover.address.kind == FILES_KIND}
        self._complete = {v.name for v in observed.files if set(v.users) - carriers or v.operation in filled}
        self._fills: dict[str, list[int]] = {}

    def fill(self, change: Change, wanted: Resource, needs: Sequence[int | None]) -> list[int]:
        """The steps after which the volumes with a container's configs and secrets are full."""
        return [
            step for section in sorted(ROOTS) if wanted.spec[section]
            for step in self._fill(change, wanted, section, needs)
        ]  # fmt: skip

    def _fill(self, change: Change, wanted: Resource, section: str, needs: Sequence[int | None]) -> list[int]:
        name = file_volume.parse(self._project, change.address.name, section, wanted.spec[section]).name
        if name not in self._complete and name not in self._fills:
            of, cause = change.address.whole, change.reason
            needs = [*needs, self._steps.add(Fill(section, FillPart.CREATE_VOLUME), of, cause, needs=needs)]
            carrier = self._steps.add(Fill(section, FillPart.CREATE_CARRIER), of, cause, needs=needs)
            full = self._steps.add(Fill(section), of, cause, made_by=carrier)
            clean = self._steps.add(
                Fill(section, FillPart.REMOVE_CARRIER), of, cause, made_by=carrier, after=[full]
            )  # fmt: skip
            self._fills[name] = [full, clean]
        return self._fills.get(name, [])
