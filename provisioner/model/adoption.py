"""An object that was made by another tool and belongs to an environment all the same, as the ledger says."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.span import Problem
    from provisioner.model.state import Facts

# What becomes of a declared object.
AS_IT_IS, WITH_CHANGES, NOT_FOUND, REFUSED, OWNED = (
    "adopt", "adopt, and change at the next apply", "not found", "refused", "adopted already",
)  # fmt: skip


# A record of this kind says what a container was called that is about to be renamed. It owns nothing, and the record
# after it leaves it out: an adoption that is killed in between can so go on.
RENAMING = "renaming"
# What the `former` of an object begins with that `moved` gave another address.
OWN = "this environment"


@dataclass(frozen=True, slots=True)
class Adopted:
    """One adopted object of an engine.

    `kind` is the engine's (container, network, volume, image, service, config, secret), `id` the engine's full id, of
    a volume its name. `name` is the object's name on the engine, `created` the engine's time of its creation; of a
    volume it is empty where the engine can not tell it. `mark` is what a volume is told from a later one of the same
    name by besides; empty where it was made for this environment. `address` is its address in the playbook. `labels`
    are those that it would carry if it had been made by an apply: they can not be put on it later. `former` says whose
    it was, and `form` what differs only because the former owner makes such things in another form, for people.
    """

    kind: str
    id: str
    name: str
    created: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    former: str = ""
    form: Sequence[str] = ()
    mark: str = ""


def is_adopted(record: Adopted) -> bool:
    """Whether another tool made the object: what only has another address now has a record, too."""
    return not record.former.startswith(OWN)


@dataclass(frozen=True, slots=True)
class AdoptionRow:
    """One declared object. `name` is its name on the engine, `becomes` the one that a container gets instead.

    `change` is what the next apply would do to it; None where it is not there or not to be adopted. `settled` are the
    paths that differ by its record in the ledger, and would not by the new one: it was adopted with another file.
    """

    address: Address
    verdict: str
    name: str = ""
    former: str = ""
    becomes: str = ""
    change: Change | None = None
    form: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdoptionPlan:
    """`adopts` are the records that would be kept beside those of the ledger, or in the place of those with the same
    ids; `renames` gives containers new names, by id. `finishes`: a revision is kept that an adoption which ended before
    its time did not keep."""

    title: str
    facts: Facts
    rows: tuple[AdoptionRow, ...]
    adopts: tuple[Adopted, ...]
    renames: Mapping[str, str]
    notes: tuple[Problem, ...]
    refusals: tuple[Problem, ...]
    finishes: bool = False

    @property
    def changes_nothing(self) -> bool:
        """Whether there is nothing to write down."""
        return not self.adopts and not self.finishes


@dataclass(frozen=True, slots=True)
class Release:
    """What would be forgotten; `kept` are adopted objects that stay the environment's."""

    title: str
    project: str
    released: tuple[Adopted, ...]
    kept: tuple[Adopted, ...] = ()
