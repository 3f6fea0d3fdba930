"""Exclusive things are handed over: which steps of a plan take one, and which free it. Pure.

Works on the steps of any plan: what they take and free follows from the objects that they act on. Their order is
made from it in `handover_order.py`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.kinds.container_pre_start import pre_start_name
from provisioner.model.dataclass import dataclass
from provisioner.model.operation import (
    Connect,
    Create,
    CreateContainer,
    CreatePreStart,
    CreateService,
    Disconnect,
    Remove,
    Rename,
    Start,
    Stop,
    UpdateService,
    stage_of,
)
from provisioner.model.plan import Verb
from provisioner.reconcile.claims import (
    Claim,
    ClaimKind,
    claims_of_network,
    claims_of_ports,
    claims_of_running,
    name_claim,
    network_names,
    own_holders,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.operation import Ports
    from provisioner.model.plan import Step
    from provisioner.model.state import DesiredState, Observed, ObservedState

_HOLDERS = ("container", "network", "service")
# Held by what runs, and free once that is stopped.
_OF_RUNNING = (ClaimKind.PORT, ClaimKind.ADDRESS, ClaimKind.MAC, ClaimKind.VOLUME)
# Two may have these at once if there is no other way.
_SHARED = (ClaimKind.VOLUME, ClaimKind.MAC)


@dataclass(frozen=True, slots=True)
class Handover:
    """`taker` gets something that `holder` has: the step `takes` can be done after the step `frees`.

    `joins` are the holder's own steps with which an engine gives it any free address again, maybe the one handed over.
    `passing` is one of a name that the holder has only for a while, while the plan is carried out: which of two has it
    first does not matter. `soft` is one of what both may have at once, if there is no other way. `named` is one of
    nothing but a name, which can be given up by what runs.
    """

    taker: Address
    holder: Address
    takes: int
    frees: int
    joins: tuple[int, ...] = ()
    passing: bool = False
    soft: bool = False
    named: bool = False


def find_handovers(steps: Sequence[Step], desired: DesiredState, observed: ObservedState) -> list[Handover]:
    """Every pair of steps of which one frees what the other takes, in their order. None within one object's recipe."""
    return _Claims(desired, observed).pairs(steps)


# Which steps take and free what --------------------------------------------------------------------------------------


@dataclass
class _Claims:
    desired: DesiredState
    observed: ObservedState
    networks: dict[str, str] = field(init=False)
    objects: dict[str, Observed] = field(init=False)
    held: dict[str, set[Claim]] = field(init=False)
    writers: dict[Claim, tuple[set[Address], set[Address]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.networks = network_names(self.desired, self.observed)
        everything = (*self.observed.resources.values(), *self.observed.leftovers)
        self.objects = {seen.id: seen for seen in everything if seen.kind in _HOLDERS}
        self.held = {holder.id: set(holder.claims) for holder in own_holders(self.observed, self.networks)}

    def pairs(self, steps: Sequence[Step]) -> list[Handover]:
        freed: dict[tuple[str, ...], list[tuple[Claim, Step, bool]]] = defaultdict(list)
        left = {identity: set(claims) for identity, claims in self.held.items()}
        for step in steps:
            for claim in sorted(self._frees(step, left.get(step.object_id, set())), key=str):
                left[step.object_id].discard(claim)
                for mark in claim.marks():
                    freed[mark].append((claim, step, claim not in self.held[step.object_id]))
            if isinstance(step.operation, Rename) and step.object_id in left:
                left[step.object_id].add(name_claim(step.operation.name))
        if not freed:
            return []
        made = {step.id: step for step in steps if step.verb is Verb.CREATE}
        by_id = {step.id: step for step in steps}
        claims_by_pair: dict[tuple[bool, int, int], set[Claim]] = defaultdict(set)
        for step in steps:
            for claim in self._takes(step, made):
                for mark in claim.marks():
                    for other, frees, passing in freed.get(mark, ()):
                        if claim.overlaps(other) and self._is_handed(claim, other, step, frees):
                            claims_by_pair[passing, step.id, frees.id].add(claim)
        return [
            Handover(
                by_id[takes].address, by_id[frees].address, takes, frees, self._joins(steps, by_id[frees], claims),
                passing=passing, soft=all(claim.kind in _SHARED for claim in claims),
                named=all(claim.kind is ClaimKind.NAME for claim in claims),
            )
            for (passing, takes, frees), claims in sorted(claims_by_pair.items(), key=lambda item: item[0])
        ]  # fmt: skip

    def _joins(self, steps: Sequence[Step], frees: Step, claims: Collection[Claim]) -> tuple[int, ...]:
        """The steps that let the holder join a network anew, on which an address of it passes to another."""
        scopes = {claim.scope for claim in claims if claim.kind is ClaimKind.ADDRESS}
        wanted = self.desired.resources.get(frees.address)
        if not scopes or wanted is None:
            return ()
        free = {
            key for key, entry in wanted.workload_spec["networks"].items()
            if self._network(key) in scopes and not (entry.get("ipv4_address") or entry.get("ipv6_address"))
        }  # fmt: skip
        return tuple(
            step.id for step in steps
            if step.address == frees.address and step.kind == "container" and free
            and (
                isinstance(step.operation, Start)
                or (isinstance(step.operation, Connect) and step.operation.network in free
                    and step.object_id == frees.object_id)
            )
        )  # fmt: skip

    def _frees(self, step: Step, held: Collection[Claim]) -> set[Claim]:
        """What an object has no more after a step; each is freed by the first step that does so."""
        if step.object_id not in self.objects or step.kind not in _HOLDERS:
            return set()
        match step.operation:
            case UpdateService():
                return set(held) - set(claims_of_ports(self._published(step)))
            case Stop():
                return {claim for claim in held if claim.kind in _OF_RUNNING}
            case Remove():
                return set(held)
            case Rename():
                return {claim for claim in held if claim.kind is ClaimKind.NAME}
            case Disconnect(network=key):
                scope = self._network(key)
                return {c for c in held if c.kind in (ClaimKind.ADDRESS, ClaimKind.MAC) and c.scope == scope}
            case _:
                return set()

    def _takes(self, step: Step, made: Mapping[int, Step]) -> Iterator[Claim]:
        maker = made.get(step.made_by or 0)
        if maker is not None and isinstance(maker.operation, CreatePreStart):
            return
        match step.operation:
            case CreatePreStart(number=number):
                yield name_claim(pre_start_name(self.desired.resources[step.address].name, number))
            case Create(kind="network"):
                wanted = self.desired.resources[step.address]
                yield from claims_of_network(wanted)
            case CreateService() | UpdateService():
                yield from claims_of_ports(self._published(step))
            case CreateContainer(name=name) | Rename(name=name):
                yield name_claim(name)
            case Start():
                yield from self._running(step)
            case Connect(network=key) if self._runs(step.object_id):
                scope = self._network(key)
                yield from (c for c in self._running(step) if c.scope == scope and c.kind is not ClaimKind.PORT)

    def _published(self, step: Step) -> Ports:
        """The ports that a service has after a step, which need not be all that are declared."""
        stage = stage_of(step.operation)
        return stage.ports if stage is not None else self.desired.resources[step.address].service_spec["ports"]

    def _running(self, step: Step) -> Iterator[Claim]:
        """What a container has once it runs. A volume is taken only by one that did not write to it before."""
        wanted = self.desired.resources.get(step.address)
        existing = self.objects.get(step.object_id)
        container = wanted or existing
        if container is not None:
            yield from claims_of_running(container.container_spec, self.networks)

    def _runs(self, identity: str) -> bool:
        existing = self.objects.get(identity)
        return existing is not None and existing.is_up

    def _network(self, key: str) -> str:
        return self.networks.get(key, key)

    def _is_handed(self, claim: Claim, held: Claim, takes: Step, frees: Step) -> bool:
        """Whether what is `held` passes from one to another. What shares a volume with others, before or after, hands
        nothing."""
        if takes.id == frees.id or (takes.object_id and takes.object_id == frees.object_id):
            return False
        same = takes.address.whole == frees.address.whole
        if claim.kind is ClaimKind.VOLUME:
            return not same and self._writers(claim) == ({frees.address.whole}, {takes.address.whole})
        if same and claim.is_range:
            # Of a range each replica takes a free one; an object's own recipe says when the one before it goes. There
            # may be none in another range, where fewer replicas stay than have one now.
            return claim != held and frees.address not in self.desired.resources
        return takes.address != frees.address

    def _writers(self, claim: Claim) -> tuple[set[Address], set[Address]]:
        """The services that write to a volume, now and as is declared."""
        if claim not in self.writers:
            now = {self.objects[i].address.whole for i, held in self.held.items() if claim in held}
            wanted = {
                resource.address.whole
                for resource in self.desired.resources.values()
                if resource.kind == "container" and claim in claims_of_running(resource.container_spec, self.networks)
            }
            self.writers[claim] = now, wanted
        return self.writers[claim]
