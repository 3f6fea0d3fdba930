"""`secrets sync`: copy values to a store further down: from this machine to the Swarm, or from AWS to `.env.local`.

All is looked at before anything is written. A Docker secret is never replaced: it can not be compared by its value,
and whoever mounts it would lose it.
"""

from __future__ import annotations

import base64
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal

from provisioner.app.load import load_playbook
from provisioner.app.secret_inputs import origin, short
from provisioner.app.wiring import open_engine, tier_context
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, SecretUnavailable, Unreachable, Unsafe, UsageError
from provisioner.kinds import swarm_file
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found
from provisioner.secrets import changes, template
from provisioner.secrets.chain import LOCAL, resolve
from provisioner.secrets.declarations import declarations
from provisioner.secrets.env_local import FILE, store
from provisioner.secrets.fingerprint import FingerprintKey, create_key, find_key
from provisioner.secrets.tiers import open_tiers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.secret import Resolution, SecretRef
    from provisioner.secrets.tier_context import TierContext

Place = Literal["docker", "env_local"]
_HINT = "docker secret rm NAME once nothing mounts it, then sync again"


@dataclass(frozen=True, slots=True)
class Copy:
    """One secret. `action` is copy, same (it is there with this value), or skip with the reason in `why`.

    `name` is what it is called where it goes to.
    """

    key: str
    name: str
    action: Literal["copy", "same", "skip"]
    why: str = ""
    answer: Found | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sync:
    """What would be copied where; `carry_out` does it."""

    title: str
    place: Place
    copies: tuple[Copy, ...]
    refs: tuple[SecretRef, ...]
    context: TierContext
    engine: DockerEngine | None = None

    @property
    def pending(self) -> tuple[Copy, ...]:
        return tuple(copy for copy in self.copies if copy.action == "copy")

    def carry_out(self) -> None:
        """Copy what is to be copied. Raises, saying what was copied before, when one can not be."""
        done: list[str] = []
        for copy in self.pending:
            try:
                self._copy(copy)
            except ProvisionError as error:
                copied = f"; copied before: {', '.join(done)}" if done else "; nothing was copied"
                raise type(error)(f"secret {copy.key}: {error.message}{copied}", hint=error.hint) from error
            done.append(copy.key)

    def _copy(self, copy: Copy) -> None:
        answer = copy.answer
        assert answer is not None
        if self.engine is None:
            ref = next(ref for ref in self.refs if ref.key == copy.key)
            changes.set_value(ref, answer.value, store(self.context))
            return
        # No label of ownership: it belongs to nobody's environment, so no apply or destroy takes it away.
        key = find_key(self.context)
        if not isinstance(key, FingerprintKey):
            # Without it nobody could tell later whether the values are still the same.
            key = create_key(self.context)
        fingerprint = key.fingerprint(copy.key, answer.value)
        labels = {swarm_file.SOURCE: origin(answer), swarm_file.VERSION: short(fingerprint)}
        body = {"Labels": labels, "Data": base64.b64encode(answer.value.reveal()).decode()}
        made = self.engine.create("secret", copy.name, body)
        existing = self.engine.inspect("secret", made)
        if existing is None or existing["Spec"]["Name"] != copy.name:
            raise Unreachable(f"the Swarm does not show {copy.name}, which it was just given", hint="sync again")


def plan_sync(request: Request, names: Sequence[str], place: Place | None, *, insecure_transport: bool = False) -> Sync:
    """What a sync would copy: the named secrets, or all. Reads only. Unsafe where their values would go unencrypted
    over a network.

    Without a `place` it is the Swarm where the playbook runs on one, else `.env.local`.
    """
    playbook = load_playbook(request, allow_unset=True)
    refs = declarations(playbook)
    known = [ref.key for ref in refs]
    for name in names:
        if name not in known:
            raise UsageError(
                f"no secret is named {name!r}", hint=nearest(name, known) or f"there are: {', '.join(known)}"
            )
    chosen = place or ("docker" if playbook.engine.mode == "swarm" else "env_local")
    wanted = [ref for ref in refs if not names or ref.key in names]
    if chosen == "env_local":
        context = tier_context(request, playbook, None)
        return Sync(playbook.title, chosen, _to_file(refs, wanted, context), refs, context)
    engine = open_engine(request, playbook.engine)
    facts = engine.facts()
    if facts.exposed_at and not insecure_transport:
        raise Unsafe(
            f"the values would go unencrypted over the network to {facts.exposed_at}",
            hint="use ssh:// or TLS; --insecure-transport sends them all the same",
        )
    if not facts.swarm_manager:
        raise Unreachable(
            "Docker secrets are kept by a Swarm manager, and this engine is none",
            hint="name a manager with --host or --context; `provision engine init` makes a Swarm of one node",
        )
    context = tier_context(request, playbook, engine)
    return Sync(playbook.title, chosen, _to_swarm(refs, wanted, context, engine), refs, context, engine)


def _to_swarm(
    refs: Sequence[SecretRef], wanted: Sequence[SecretRef], context: TierContext, engine: DockerEngine
) -> tuple[Copy, ...]:
    """What lies on this machine, also where the playbook does not allow it: then this is how it leaves it."""
    local = [_locally(ref) for ref in refs]
    key = find_key(context)
    answers = resolve(local, open_tiers(context), key)
    labels_by_name = {str(raw["Spec"]["Name"]): raw["Spec"].get("Labels") or {} for raw in engine.list("secret", {})}
    copies = []
    clashes = []
    for ref in wanted:
        answer, name = answers[ref.key], ref.names[0]
        if ref.template is not None:
            copies.append(Copy(ref.key, name, "skip", "it is made of others at each apply"))
        elif not isinstance(answer, Found):
            copies.append(Copy(ref.key, name, "skip", "it is not on this machine"))
        elif name not in labels_by_name:
            copies.append(Copy(ref.key, name, "copy", answer=answer))
        elif _same(labels_by_name[name].get(swarm_file.VERSION, ""), answer, key):
            copies.append(Copy(ref.key, name, "same"))
        else:
            comparable = isinstance(key, FingerprintKey) and labels_by_name[name].get(swarm_file.VERSION)
            what = "has another value" if comparable else "can not be compared with the value here"
            clashes.append(f"secret {ref.key}: the Swarm has {name} already, and it {what}")
    if clashes:
        raise SecretUnavailable("\n".join(clashes), hint=_HINT)
    return tuple(copies)


def _to_file(refs: Sequence[SecretRef], wanted: Sequence[SecretRef], context: TierContext) -> tuple[Copy, ...]:
    """What comes from AWS or a mounted file, where the playbook allows `.env.local` too."""
    parts = {name for ref in wanted for name in template.ingredients(ref.template or "")}
    asked = [ref for ref in refs if ref in wanted or ref.key in parts]
    answers = resolve(asked, open_tiers(context), find_key(context))
    return tuple(_into_file(ref, answers[ref.key]) for ref in wanted)


def _into_file(ref: SecretRef, answer: Resolution) -> Copy:
    if not isinstance(answer, Found):
        return Copy(ref.key, ref.env, "skip", "no tier gives its value")
    if answer.tier == LOCAL:
        return Copy(ref.key, ref.env, "same")
    if LOCAL not in ref.sources:
        return Copy(ref.key, ref.env, "skip", f"it comes from {answer.tier}, and the playbook does not allow {FILE}")
    return Copy(ref.key, ref.env, "copy", answer=answer)


def _locally(ref: SecretRef) -> SecretRef:
    """A declaration that looks on this machine only."""
    if ref.template is not None or ref.file is not None or ref.environment is not None:
        return ref
    return replace(ref, sources=(LOCAL,), forbidden=(), generate=None)


def _same(version: str, answer: Found, key: object) -> bool:
    return isinstance(key, FingerprintKey) and bool(version) and version == short(answer.fingerprint)
