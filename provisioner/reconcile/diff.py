"""What differs between two states, object by object and field by field. Pure; does not know where they came from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds import container, image, service
from provisioner.kinds.compare import compare
from provisioner.kinds.container_mounts import ROOTS, file_address
from provisioner.kinds.container_networks import keeps_address_when_joining
from provisioner.kinds.ownership import NEXT, PREVIOUS
from provisioner.kinds.tables import FIELDS_OF
from provisioner.model.address import Address
from provisioner.model.change import Action, Change, FieldChange, Impact
from provisioner.model.state import ImageFacts
from provisioner.reconcile.cascade import cascade
from provisioner.reconcile.finished import has_finished
from provisioner.reconcile.namespaces import KEYS as NAMESPACES
from provisioner.reconcile.namespaces import LOST_PATHS, as_declared, lost_namespaces, made_anew, resolved
from provisioner.reconcile.retained import PROTECT, protection_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.state import DesiredState, ForeignObject, Observed, ObservedState, Resource

DECLARED_ANEW = "declared, and not there yet"
# Why an object goes that the playbook does not name any more.
UNDECLARED = "no longer declared"
LEFT_BEHIND = "an interrupted apply left it"


def diff(desired: DesiredState, observed: ObservedState, last: DesiredState | None = None) -> tuple[Change, ...]:
    """One change for each object that either side has, UNCHANGED ones too, sorted by address.

    `last` is what was last applied; with it a difference that the file did not ask for is marked as drift.
    """
    changes: dict[Address, Change] = {}
    standing = {foreign.address: foreign for foreign in observed.foreign}
    # Images first: what a container's image will be is not known while the image itself is to be built or pulled.
    everything = sorted(desired.resources.keys() | observed.resources.keys(), key=lambda a: (a.kind != "image", a))
    for address in everything:
        wanted, existing = desired.resources.get(address), observed.resources.get(address)
        if wanted is None and existing is not None:
            gone = UNDECLARED if existing.kind != "image" else ""
            changes[address] = Change(address, Action.DELETE, gone, observed=existing)
        elif wanted is not None and existing is None:
            changes[address] = _creation(wanted, last, standing.get(address))
        elif wanted is not None and existing is not None:
            changes[address] = _comparison(wanted, existing, _without_renewed(observed, changes), last)
    for address, change in changes.items():
        changes[address] = _attributed(change, changes)
    cascade(changes, observed.facts.api_version)
    return tuple(changes[address] for address in sorted(changes))


def _without_renewed(observed: ObservedState, changes: Mapping[Address, Change]) -> ObservedState:
    """The snapshot without the images that are about to be others."""
    renewed = {
        change.desired.name
        for address, change in changes.items()
        if address.kind == "image" and change.action is not Action.UNCHANGED and change.desired
    }
    if not renewed:
        return observed
    kept = {name: facts for name, facts in observed.facts.images.items() if name not in renewed}
    return replace(observed, facts=replace(observed.facts, images=kept))


def _creation(wanted: Resource, last: DesiredState | None, standing: ForeignObject | None = None) -> Change:
    if wanted.kind == "image":
        reason = "to be built" if wanted.image.recipe else "not on the engine yet"
        return Change(wanted.address, Action.CREATE, reason, desired=wanted)
    before = _last_applied(wanted, last)
    if before is not None and (wanted.external or before.external):
        # The object that was used is another's, wherever that is now.
        return Change(wanted.address, Action.CREATE, _moved_tier(wanted, before) or DECLARED_ANEW, desired=wanted)
    if before is not None and standing is not None and not standing.own:
        # It was released, or gave way to another's: an apply takes nothing from there.
        now = "released; `provision adopt` takes it again" if standing.adoptable else f"belongs to {standing.owner} now"
        return Change(wanted.address, Action.CREATE, now, desired=wanted)
    if before is not None:
        gone = FieldChange("state", "absent", "present", Impact.IN_PLACE, drift=True, span=wanted.span)
        return Change(wanted.address, Action.CREATE, "it was removed by hand", (gone,), drift=True, desired=wanted)
    return Change(wanted.address, Action.CREATE, DECLARED_ANEW, desired=wanted)


def _comparison(wanted: Resource, existing: Observed, state: ObservedState, last: DesiredState | None) -> Change:
    before = _last_applied(wanted, last)
    moved = _moved_tier(wanted, before)
    if wanted.external:
        return Change(wanted.address, Action.UNCHANGED, moved, desired=wanted, observed=existing)
    differences = differences_of(wanted, existing, state)
    if before is not None:
        differences = tuple(_with_drift(difference, wanted, before) for difference in differences)
    if _half_replaced(existing):
        differences = tuple(_left_by_us(difference) for difference in differences)
    impact = max((difference.impact for difference in differences), default=None)
    action = Action.UNCHANGED if impact is None else Action.UPDATE if impact <= Impact.IN_PLACE else Action.REPLACE
    drift = bool(differences) and all(difference.drift for difference in differences)
    half = _half_replaced(existing)
    left = "an interrupted apply left it half replaced" if half else ""
    anew = {difference.path: name for difference in differences if (name := made_anew(difference, wanted, before))}
    others = tuple(difference for difference in differences if difference.path not in anew)
    renewed = [
        f"{name} is another container now" if name in state.outside else f"{name} is gone"
        for name in dict.fromkeys(anew.values())
    ]
    said = (left, _reason(others, drift=drift, half_replaced=half), *renewed, moved)
    reason = "; ".join(filter(None, said)) if differences else ""
    return Change(wanted.address, action, reason, differences, drift, wanted, existing)


def _half_replaced(existing: Observed) -> bool:
    """Whether a container has the name that it has only while it is replaced: no hand gave it that."""
    return bool(existing.made_as) and existing.name in (f"{existing.made_as}{NEXT}", f"{existing.made_as}{PREVIOUS}")


def _left_by_us(difference: FieldChange) -> FieldChange:
    """What an apply does to a container that it sets aside is no change by hand."""
    ours = difference.path == "container_name" or (difference.path, difference.before) == ("restart", "no")
    return replace(difference, drift=False) if ours else difference


def _reason(differences: tuple[FieldChange, ...], *, drift: bool, half_replaced: bool = False) -> str:
    """Which keys changed. Of a state only what it is: a crash or a lost node ends a container as a hand does."""
    described = ("state", "job", *LOST_PATHS, *(("container_name", "restart") if half_replaced else ()))
    keys = list(
        dict.fromkeys(
            difference.path.partition(".")[0] for difference in differences if difference.path not in described
        )
    )
    said = [f"not {difference.after}: {difference.before}" for difference in differences if difference.path == "state"]
    said += [str(difference.before) for difference in differences if difference.path in LOST_PATHS]
    if keys:
        listed = keys[0] if len(keys) == 1 else f"{', '.join(keys[:-1])} and {keys[-1]}"
        said.insert(0, f"{listed} changed by hand" if drift else f"{listed} changed")
    return "; ".join(said)


def _with_drift(difference: FieldChange, wanted: Resource, before: Resource) -> FieldChange:
    """A difference is drift when the playbook says about this field what it said when it was last applied."""
    key = difference.path.partition(".")[0]
    if key == PROTECT:
        return difference
    if key == "state" or key in LOST_PATHS:
        return replace(difference, drift=not before.still)
    if key == "container_name":
        return replace(difference, drift=wanted.name == before.name)
    if key == "job":
        # It is due, as the playbook says; nobody's hand was in it.
        return difference
    keys = [field for field in wanted.spec if field == key or field.startswith(key + ".")]
    return replace(difference, drift=all(wanted.spec.get(field) == before.spec.get(field) for field in keys))


def differences_of(wanted: Resource, existing: Observed, state: ObservedState) -> tuple[FieldChange, ...]:
    """The fields in which an object differs from what is declared."""
    if wanted.kind == "container":
        return _container_differences(wanted, existing, state)
    if wanted.kind == "image":
        return _image_differences(wanted, existing, state)
    if wanted.kind == "volume":
        return (*_compared(wanted, existing), *protection_changes(wanted, existing))
    if wanted.kind == "service":
        return _service_differences(wanted, existing, state)
    return _compared(wanted, existing)


def _compared(wanted: Resource, existing: Observed) -> tuple[FieldChange, ...]:
    return compare(FIELDS_OF[wanted.kind], wanted.spec, existing.spec, wanted.spans, existing.declared)


def _has_succeeded(job: Observed) -> bool:
    return job.runtime is not None and job.runtime.status == "exited" and job.runtime.exit_code == 0


def _service_differences(wanted: Resource, existing: Observed, observed: ObservedState) -> tuple[FieldChange, ...]:
    """A service's fields and, for jobs, whether it has run. Swarm replaces the tasks itself, so all is in place.

    But for one of which no task runs any more: as nothing is to go on, it is made anew. To Swarm, an update of what
    ends at once is one that failed.
    """
    if wanted.job == "once" and _has_succeeded(existing):
        return ()
    state = [replace(difference, impact=Impact.IN_PLACE) for difference in _state(wanted, existing)]
    if existing.paused:
        state.append(FieldChange("state", "its update failed and is paused", "running", Impact.IN_PLACE))
    desired = service.with_image_command(wanted.spec, observed.facts.images.get(str(wanted.workload_spec["image"])))
    differences = (*service.differences(desired, existing.spec, wanted.spans, existing.declared), *state)
    over = not wanted.job and existing.runtime is not None
    return tuple(replace(difference, impact=Impact.REPLACE) for difference in differences) if over else differences


def _image_differences(wanted: Resource, existing: Observed, state: ObservedState) -> tuple[FieldChange, ...]:
    live = existing.spec
    digest, facts = wanted.spec.get("digest"), state.facts.images.get(wanted.name)
    if digest and facts:
        here = next((repo_digest.rpartition("@")[2] for repo_digest in facts.digests), None)
        live = {
            **live,
            "digest": digest if any(repo_digest.endswith(f"@{digest}") for repo_digest in facts.digests) else here,
        }
    return compare(image.FIELDS, wanted.spec, live, wanted.spans, existing.declared)


def _container_differences(wanted: Resource, existing: Observed, state: ObservedState) -> tuple[FieldChange, ...]:
    if wanted.job == "once" and _has_succeeded(existing):
        return ()
    made_from = existing.image or ImageFacts(id="")
    would_use = state.facts.images.get(str(wanted.workload_spec["image"]))
    desired = container.beyond_image(resolved(wanted.spec, state), would_use or made_from, observed=False)
    live = container.beyond_image(resolved(existing.spec, state), made_from, observed=True)
    if would_use and would_use.id != made_from.id:
        desired = {**desired, "image": f"{wanted.spec['image']} ({_short(would_use.id)})"}
        live = {**live, "image": f"{existing.spec['image']} ({_short(made_from.id)})"}
    changes = [
        _joining(as_declared(difference, wanted), wanted, existing, state.facts.api_version)
        for difference in compare(container.FIELDS, desired, live, wanted.spans, existing.declared)
    ]
    if not any(difference.path in NAMESPACES for difference in changes):
        changes += lost_namespaces(wanted, existing, state)
    if existing.name != wanted.name:
        # The label carries the name it was made with: one that was only renamed, or never was, can be renamed again.
        impact = Impact.METADATA if (existing.made_as or wanted.name) == wanted.name else Impact.REPLACE
        changes.append(FieldChange("container_name", existing.name, wanted.name, impact))
    return (*changes, *_state(wanted, existing))


def _joining(change: FieldChange, wanted: Resource, existing: Observed, api_version: tuple[int, int]) -> FieldChange:
    """A difference on a network is mended by leaving and joining it, where a container then has the declared hardware
    address: it was made with it, on an engine that keeps it."""
    section, _, rest = change.path.partition(".")
    if section != "networks" or change.impact is not Impact.IN_PLACE or change.after is None:
        return change
    key = rest.partition(".")[0]
    entry = wanted.container_spec["networks"].get(key) or {}
    made_with = keeps_address_when_joining(entry, api_version) and f"networks.{key}.mac_address" in existing.declared
    return replace(change, impact=Impact.REPLACE) if entry.get("mac_address") and not made_with else change


def _state(wanted: Resource, existing: Observed) -> tuple[FieldChange, ...]:
    runtime = existing.runtime
    if runtime is None:
        return ()
    if wanted.job == "always":
        return (FieldChange("job", "completed", "runs at every apply", Impact.REPLACE),)
    said = f"exited ({runtime.exit_code})" if runtime.status in ("exited", "dead") else runtime.status
    if wanted.job:
        if runtime.status == "running" or said == "exited (0)":
            return ()
        never_started = runtime.status == "created"
        return (FieldChange("state", said, "completed", Impact.IN_PLACE if never_started else Impact.REPLACE),)
    if runtime.status in ("running", "restarting"):
        return ()
    if has_finished(runtime, wanted.may_finish, exposes=bool(existing.container_spec.get("expose"))):
        return ()
    return (FieldChange("state", said, "running", Impact.IN_PLACE if runtime.status != "dead" else Impact.REPLACE),)


def _short(identity: str) -> str:
    return identity.removeprefix("sha256:")[:12]


def _attributed(change: Change, changes: Mapping[Address, Change]) -> Change:
    """A change without the differences that another object's change tells already: they become its reason."""
    wanted = change.desired
    if wanted is None or wanted.kind not in ("container", "service") or not change.differences:
        return change
    for address in dict.fromkeys(_file(difference, wanted) for difference in change.differences):
        file = changes.get(address) if address else None
        if file is not None and file.action is Action.UNCHANGED and file.reason:
            change = replace(change, reason=f"{change.reason}; {address}: {file.reason}")
    causes = [_cause(difference, wanted, changes) for difference in change.differences]
    if not any(causes):
        return change
    kept = tuple(difference for difference, cause in zip(change.differences, causes, strict=True) if cause is None)
    reasons = [_reason(kept, drift=change.drift)] if kept else []
    built = any(
        cause and difference.path == "build" for difference, cause in zip(change.differences, causes, strict=True)
    )
    for cause in dict.fromkeys(cause for cause in causes if cause is not None):
        word = "another version now" if cause.kind != "image" else "rebuilt" if built else "pulled"
        reasons.append(f"{cause} is {word}")
    drift = bool(kept) and change.drift
    return replace(change, differences=kept, reason="; ".join(reasons), drift=drift, caused=True)


def _cause(difference: FieldChange, wanted: Resource, changes: Mapping[Address, Change]) -> Address | None:
    """The config, secret or image whose own change is the cause of a difference."""
    address = _file(difference, wanted)
    if address is None and difference.path in ("build", "digest"):
        address = next((need.address for need in wanted.needs if need.address.kind == "image"), Address("image", ""))
    cause = changes.get(address) if address is not None else None
    return address if cause is not None and cause.action in (Action.UPDATE, Action.CREATE) else None


def _file(difference: FieldChange, wanted: Resource) -> Address | None:
    """The config or secret whose version a difference of its user is."""
    kind, _, rest = difference.path.partition(".")
    if kind not in ROOTS or not rest.endswith(".version"):
        return None
    entry = wanted.spec[kind].get(rest.removesuffix(".version"))
    return file_address(kind, entry["source"]) if entry else None


def _last_applied(wanted: Resource, last: DesiredState | None) -> Resource | None:
    """The same object in what was applied last: of networks and volumes the one of that name, whatever its key was."""
    if last is None:
        return None
    if wanted.kind not in ("network", "volume"):
        return last.resources.get(wanted.address)
    named = (r for r in last.resources.values() if (r.kind, r.name) == (wanted.kind, wanted.name))
    return next(named, None)


def _moved_tier(wanted: Resource, before: Resource | None) -> str:
    """That a secret's value comes from another tier than it did; empty where it does not, or nobody knows."""
    then, now = before.tier if before else "", wanted.tier
    return f"it came from {then}, and comes from {now} now" if then and now and then != now else ""
