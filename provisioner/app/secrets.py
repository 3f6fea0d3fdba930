"""`secrets list`, `check`, `set`, `unset`: what is declared, where each value comes from, and keeping local ones."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from provisioner.app.load import load_playbook
from provisioner.app.secret_inputs import short
from provisioner.app.wiring import open_engine, tier_context
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, SecretUnavailable, Unreachable, UsageError
from provisioner.kinds.values import moment
from provisioner.ledger.revisions import revisions
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Held, Missing
from provisioner.platforms.lowering import HELD
from provisioner.secrets import changes, template
from provisioner.secrets.chain import resolve
from provisioner.secrets.declarations import declarations
from provisioner.secrets.env_local import load, store
from provisioner.secrets.explain import Row, inventory
from provisioner.secrets.fingerprint import find_key
from provisioner.secrets.tiers import open_tiers
from provisioner.secrets.uses import users

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provisioner.app.request import Request
    from provisioner.ledger.revisions import Revision
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import Resolution, SecretRef, SecretValue
    from provisioner.ports import EngineReader
    from provisioner.secrets.fingerprint import FingerprintKey, KeyAbsent
    from provisioner.secrets.tier_context import TierContext

UNCLEAR = "not clear"


@dataclass(frozen=True, slots=True)
class Listed:
    """One declared secret. `applied` compares it with the last apply: same, changed, never, or empty where that can
    not be told; `since` is the first revision that has the version of now, and its time (RFC 3339).
    """

    row: Row
    applied: str = ""
    since: int = 0
    since_time: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All secrets of an environment. `troubles` are why some could not be told, `messages` are for people."""

    title: str
    secrets: tuple[Listed, ...]
    troubles: tuple[ProvisionError, ...] = ()
    messages: tuple[str, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether a secret is missing or unclear."""
        return bool(self.troubles) or any(secret.row.state == "missing" for secret in self.secrets)

    def require(self) -> None:
        """Raise for everything that is missing or unclear, at once. Nothing where all is there."""
        if not self.incomplete:
            return
        missing = [secret.row for secret in self.secrets if secret.row.state == "missing"]
        lines = []
        for row in missing:
            lines += [f"secret {row.key} is missing", *(f"  {tried}" for tried in row.tried)]
        lines += list(dict.fromkeys(trouble.message for trouble in self.troubles))
        hint = next((t.hint for t in self.troubles if t.hint), None)
        hint = next((", or ".join(row.remedies) for row in missing if row.remedies), hint)
        denied = missing or any(isinstance(trouble, SecretUnavailable) for trouble in self.troubles)
        kind = SecretUnavailable if denied else Unreachable
        raise kind("\n".join(lines), hint=hint)


@dataclass(frozen=True, slots=True)
class Kept:
    """What `set` or `unset` did. `place` is where the value lies or lay, `used_by` the services that use it."""

    name: str
    place: str
    changed: bool
    used_by: tuple[str, ...]
    cautions: tuple[str, ...] = ()


class _Silent:
    """In the place of an engine that does not answer: whoever has to ask it gets the error, others need not care."""

    def __init__(self, error: ProvisionError) -> None:
        self._error = error

    def facts(self) -> object:
        raise self._error


@dataclass(frozen=True, slots=True)
class _World:
    """Everything that answers are taken from."""

    refs: tuple[SecretRef, ...]
    context: TierContext
    key: FingerprintKey | KeyAbsent
    messages: list[str] = field(default_factory=list)


def list_secrets(request: Request) -> Inventory:
    """Every declared secret. A tier that does not answer makes its secrets unclear, not the others."""
    playbook = load_playbook(request, allow_unset=True)
    messages: list[str] = []
    kept: tuple[Revision, ...] | None = None
    try:
        engine: EngineReader = open_engine(request, playbook.engine)
        kept = revisions(engine, playbook.project)
    except ProvisionError as error:
        engine = cast("EngineReader", _Silent(error))
        messages.append(f"{error.message}; only what needs no engine is told")
    context = tier_context(request, playbook, engine)
    world = _World(declarations(playbook), context, find_key(context), messages)
    answers, troubles = _answers(world)
    rows = inventory(world.refs, answers, users(playbook))
    listed = [_listed(row, answers[row.key], kept, troubles.get(row.key)) for row in rows]
    return Inventory(playbook.title, tuple(listed), tuple(troubles.values()), tuple(dict.fromkeys(messages)))


def keep_secret(request: Request, name: str, value: SecretValue, *, in_keyring: bool | None) -> Kept:
    """Keep a value in `.env.local` or in the OS keyring; where it lies already, unless `in_keyring` says."""
    playbook, ref, context = find_secret(request, name)
    exists = _entry_in_keyring(context, ref) if in_keyring is None else in_keyring
    kept_in = store(context, in_keyring=exists)
    changes.set_value(ref, value, kept_in)
    file = kept_in.home_of(ref.env)
    _, _, cautions = load(file)
    place = f"the OS keyring, as {ref.env}" if exists else f"{_near(file)}, as {ref.env}"
    return Kept(name, place, True, users(playbook).get(name, ()), cautions)


def forget_secret(request: Request, name: str) -> Kept:
    """Remove a value from `.env.local`, and from the OS keyring where it lay there."""
    playbook, ref, context = find_secret(request, name)
    kept_in = store(context)
    file = kept_in.home_of(ref.env)
    was_there = changes.unset_value(ref, kept_in)
    place, left = f"{_near(file)}, as {ref.env}", kept_in.home_of(ref.env)
    document, _, _ = load(left)
    still = document is not None and ref.env in document.entries
    cautions = (f"{_near(left)} has {ref.env} too, and that value is read now",) if was_there and still else ()
    return Kept(name, place, was_there, users(playbook).get(name, ()), cautions)


def find_secret(request: Request, name: str) -> tuple[Playbook, SecretRef, TierContext]:
    """A declared secret by its name. UsageError with the nearest one for a name that is none."""
    playbook = load_playbook(request, allow_unset=True)
    refs = declarations(playbook)
    for ref in refs:
        if ref.key == name:
            return playbook, ref, tier_context(request, playbook, None)
    known = [ref.key for ref in refs]
    listed = f"there are: {', '.join(sorted(known))}" if known else "the playbook declares no secrets"
    raise UsageError(f"no secret is named {name!r}", hint=nearest(name, known) or listed)


def new_value(request: Request, name: str, given: SecretValue | None) -> SecretValue:
    """The value that a rotation brings, kept nowhere yet: the one given, or a generated one."""
    _, ref, _ = find_secret(request, name)
    return changes.new_value(ref, given)


def concerned(request: Request, name: str) -> tuple[Address, ...]:
    """What a new value of a secret touches: it, the templates that it is in, and the services that use any of them."""
    playbook, _, _ = find_secret(request, name)
    names = {name}
    parts = {ref.key: set(template.ingredients(ref.template or "")) for ref in declarations(playbook)}
    while more := {key for key, needs in parts.items() if key not in names and needs & names}:
        names |= more
    services = {service for key, using in users(playbook).items() if key in names for service in using}
    return tuple(
        Address(kind, key) for kind, keys in (("secret", names), ("service", services)) for key in sorted(keys)
    )


def may_come_from_here(request: Request, name: str) -> None:
    """Refuse a secret whose value is kept elsewhere, before anybody is asked for one."""
    changes.require_local(find_secret(request, name)[1])


def is_generated(request: Request, name: str) -> bool:
    """Whether a rotation can make the new value itself."""
    return find_secret(request, name)[1].generate is not None


def _answers(world: _World) -> tuple[dict[str, Resolution], dict[str, ProvisionError]]:
    """All answers in one go; where a tier fails, each secret by itself, so that the others are still known."""
    try:
        return dict(_resolved(world, world.refs)), {}
    except ProvisionError:
        pass
    answers: dict[str, Resolution] = {}
    troubles: dict[str, ProvisionError] = {}
    for ref in world.refs:
        try:
            answers[ref.key] = _resolved(world, _with_parts(ref, world.refs))[ref.key]
        except ProvisionError as error:
            answers[ref.key] = Missing(tuple(error.message.splitlines()))
            troubles[ref.key] = error
    return answers, troubles


def _resolved(world: _World, refs: Sequence[SecretRef]) -> dict[str, Resolution]:
    return dict(resolve(refs, open_tiers(world.context), world.key, tell=world.messages.append))


def _with_parts(ref: SecretRef, refs: Sequence[SecretRef]) -> list[SecretRef]:
    """A secret with those that its template is made of."""
    by_key = {reference.key: reference for reference in refs}
    needed: dict[str, SecretRef] = {}
    left = [ref.key]
    while left:
        key = left.pop()
        if key not in needed:
            needed[key] = by_key[key]
            left += template.ingredients(by_key[key].template or "")
    return [reference for reference in refs if reference.key in needed]


def _listed(row: Row, answer: Resolution, kept: Sequence[Revision] | None, trouble: ProvisionError | None) -> Listed:
    if trouble is not None:
        return Listed(replace(row, state=UNCLEAR))
    version = _version(row, answer)
    row = replace(row, version=row.version or version)
    if kept is None or isinstance(answer, Missing):
        return Listed(row)
    applied = [(revision.inputs["versions"].get(Address("secret", row.key).listed), revision) for revision in kept]
    if not applied or applied[-1][0] is None:
        return Listed(row, "never")
    last, since = applied[-1]
    for recorded, revision in reversed(applied):
        if recorded != last:
            break
        since = revision
    state = "same" if version == last else "changed" if version else ""
    return Listed(row, state, since.number, since.applied_at)


def _version(row: Row, answer: Resolution) -> str:
    if isinstance(answer, Found) and row.state != "to be generated":
        return short(answer.fingerprint)
    return f"{HELD}{answer.name}" if isinstance(answer, Held) else ""


def _entry_in_keyring(context: TierContext, ref: SecretRef) -> bool:
    from provisioner.secrets.env_local import lies_in_keyring

    return lies_in_keyring(context, ref.env)


def _near(path: Path) -> str:
    """A path as short as it can be named from here."""
    from pathlib import Path as Here

    try:
        return str(path.relative_to(Here.cwd()))
    except ValueError:
        return str(path)


def age(then: float | None, text: str = "") -> str:
    """How long ago a time was, in one unit: Unix seconds, or RFC 3339; empty for none."""
    if then is None:
        instant = moment(text)
        if instant is None:
            return ""
        then = instant.timestamp()
    seconds = max(0, int(datetime.now(UTC).timestamp() - then))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
