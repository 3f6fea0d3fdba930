"""The one digest of a plan: what it was made from, what was seen, and what it would do (promise R13).

An interactive apply and a saved plan compare the same digest, part by part, so that what moved can be named.
Every part is keyed with a random salt; no value can be read back from it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from provisioner.app.external_inputs import PENDING
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import SecretValue
from provisioner.model.state import CARRIED_KIND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.prepared import Prepared
    from provisioner.ledger.records import Ledger
    from provisioner.model.address import Address
    from provisioner.model.adoption import Adopted
    from provisioner.model.plan import Plan
    from provisioner.model.state import Observed, ObservedState

_MOST_NAMED = 8
_HARDWARE = "mac_address"


@dataclass(frozen=True, slots=True)
class PlanDigest:
    """Digests by the name of each part. `playbook`: what is declared with everything from outside it (files, builds,
    versions of secrets, registry). `observed`: the identity of each object that was seen. `changes`: address, action
    and paths. `pending` names the parts that the apply itself makes (generated values, a first fingerprint key), and
    `values` has the contents that were read, which are never written to a file.
    """

    engine: str
    playbook: Mapping[str, str]
    observed: Mapping[str, str]
    changes: Mapping[str, str]
    pending: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)

    def differences(self, now: PlanDigest) -> list[str]:
        """What `now` differs in, in words; empty where both are the digest of the same plan.

        A part that was pending is compared by its value alone. The value of a part that only one of them read is
        covered by its version.
        """
        if self.engine != now.engine:
            return ["it was made for another engine"]
        then_parts, now_parts = (
            {name: part for name, part in digest.playbook.items() if name not in self.pending} for digest in (self, now)
        )
        for name in self.values.keys() & now.values.keys():
            if self.values[name] != now.values[name]:
                then_parts[f"content of {name}"], now_parts[f"content of {name}"] = "then", "now"
        words = name_differences("the playbook: ", then_parts, now_parts)
        words += name_differences("on the engine: ", self.observed, now.observed)
        return words or name_differences("the plan: ", self.changes, now.changes)


def digest_plan(prepared: Prepared, salt: str) -> PlanDigest:
    """The digest of a plan of the declared state, keyed with `salt`."""
    digest = _keyed(salt)
    materials = prepared.materials
    inputs = materials.inputs
    root = prepared.playbook.root.plain()
    parts: dict[str, Any] = dict(root) if isinstance(root, dict) else {}
    playbook = {str(key): digest(value) for key, value in parts.items()}
    playbook |= {f"build of {name}": digest(value) for name, value in inputs.builds.items()}
    playbook |= {_content_of(address): digest(value) for address, value in inputs.versions.items()}
    registry = {**prepared.plan.pins, **inputs.registry}
    playbook |= {f"registry's {name}": digest(value) for name, value in registry.items()}
    playbook |= {f"image {name} that is built upon": digest(value) for name, value in prepared.plan.bases.items()}
    playbook |= {f"profile {path}": digest(value) for path, value in inputs.profiles.items()}
    playbook["mode"] = digest(prepared.platform.mode)
    playbook["replicas"] = digest({name: service.replicas for name, service in prepared.playbook.services.items()})
    return PlanDigest(
        engine=prepared.plan.observed.facts.engine_id,
        playbook=playbook,
        observed=_digest_observed(prepared.plan.observed, digest) | _digest_ledger(prepared.ledger, digest),
        changes=_digest_changes(prepared.plan, digest),
        pending=frozenset(_content_of(address) for address, version in inputs.versions.items() if version == PENDING),
        values={address.listed: digest(_revealed(content)) for address, content in materials.contents.items()},
    )


def _content_of(address: Address) -> str:
    return f"content of {address.listed}"


def digest_adoption(prepared: Prepared, adopts: Sequence[Adopted], salt: str) -> PlanDigest:
    """The digest of an adoption. What is to be adopted counts by its identity and by what differs from the playbook:
    the versions of its files are known only once the fingerprint key is made.
    """
    digest, plain = _keyed(salt), digest_plan(prepared, salt)
    file_addresses = {str(a) for a, seen in prepared.plan.observed.resources.items() if seen.kind == CARRIED_KIND}
    observed = {name: part for name, part in plain.observed.items() if name not in file_addresses}
    observed |= {
        adopted.address: digest([adopted.kind, adopted.id, adopted.name, adopted.created, adopted.mark])
        for adopted in adopts
    }
    return replace(plain, observed=observed)


def digest_removal(removal: Plan, salt: str) -> PlanDigest:
    """The digest of a plan that removes an environment: nothing is declared, so only what was seen counts, and not
    whether it ran: what ends meanwhile is removed all the same.
    """
    digest = _keyed(salt)
    observed = removal.observed
    return PlanDigest(
        engine=observed.facts.engine_id,
        playbook={},
        observed=_digest_observed(observed, digest, running=False),
        changes=_digest_changes(removal, digest),
    )


def _keyed(salt: str) -> Callable[[Any], str]:
    def digest(value: Any) -> str:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        return hmac.new(salt.encode(), text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:32]

    return digest


def _revealed(content: bytes | SecretValue) -> str:
    return (content.reveal() if isinstance(content, SecretValue) else content).hex()


def _digest_observed(observed: ObservedState, digest: Callable[[Any], str], *, running: bool = True) -> dict[str, str]:
    seen = {str(address): digest(_identity(existing, running)) for address, existing in observed.resources.items()}
    for resource in (*observed.leftovers, *observed.superseded):
        seen[f"{resource.kind} {resource.name}"] = digest(_identity(resource, running))
    return seen | {f"{foreign.kind} {foreign.name}": digest(foreign.owner) for foreign in observed.foreign}


def _digest_ledger(ledger: Ledger, digest: Callable[[Any], str]) -> dict[str, str]:
    """What a plan takes from the environment's past: what was applied or destroyed last, and which volumes there were.

    That an apply failed, and how checks ended, makes it no other plan; what is adopted is seen at the objects.
    """
    last, destroyed = ledger.last, ledger.destroyed
    if last is None and destroyed is None:
        return {}
    applied = [last.number, last.applied_at] if last else []
    removed = [destroyed.number, destroyed.at] if destroyed else []
    return {"the history": digest([applied, removed, ledger.volumes])}


def _identity(resource: Observed, running: bool) -> list[Any]:
    """What an object is, without what changes by itself: how long it runs, who uses it. `running`: whether it counts
    that it runs.
    """
    runs = None if resource.runtime is None else resource.runtime.status in ("running", "restarting")
    image = resource.image.id if resource.image is not None else ""
    identity = [resource.kind, resource.id, resource.name, _lasting(resource.spec), image, resource.protected]
    return [*identity, runs] if running else identity


def _lasting(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec without hardware addresses: an engine gives them out at every start, and takes them back at every end."""
    networks = spec.get("networks")
    if not isinstance(networks, dict):
        return dict(spec)
    bare = {key: {k: v for k, v in entry.items() if k != _HARDWARE} for key, entry in networks.items()}
    return {key: value for key, value in spec.items() if key != _HARDWARE} | {"networks": bare}


def _digest_changes(plan: Plan, digest: Callable[[Any], str]) -> dict[str, str]:
    """Every field's values follow from the playbook and from what was seen, so paths are enough here."""
    return {
        str(change.address): digest([change.action, [difference.path for difference in change.differences]])
        for change in plan.changes
        if change.action is not Action.UNCHANGED
    }


def name_differences(prefix: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names under which two mappings differ, as one text behind `prefix`; empty where they are equal."""
    names = sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
    words = [
        f"{name} {'is new' if name not in then else 'is gone' if name not in now else 'changed'}"
        for name in names[:_MOST_NAMED]
    ]
    if len(names) > _MOST_NAMED:
        words.append(f"{len(names) - _MOST_NAMED} more")
    return [f"{prefix}{', '.join(words)}"] if words else []
