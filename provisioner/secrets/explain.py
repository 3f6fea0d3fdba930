"""Where one secret comes from, tier by tier, for `config --explain NAME`; and all of them, for `secrets list`.

Tells names, tiers, versions and times, never a value.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Held, Missing, Resolution, SecretRef
from provisioner.secrets import generate, template
from provisioner.secrets.chain import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provisioner.ports import SecretSource


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `secrets list`. `state` is found, held, to be generated, or missing; `created` in Unix seconds."""

    key: str
    state: str
    tier: str
    version: str
    created: float | None
    used_by: tuple[str, ...]
    tried: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


def explain(name: str, declarations: Sequence[SecretRef], sources: Iterable[SecretSource]) -> tuple[str, ...]:
    """Lines that say where the secret comes from and what each of its tiers answered; none for an unknown name.

    Every allowed tier is asked, also after the one whose value is used, and an error is a line of its own.
    """
    ref = next((ref for ref in declarations if ref.key == name), None)
    if ref is None:
        return ()
    tiers = {source.tier: source for source in sources}
    head = f"secret {ref.key}" + (f" ({ref.span})" if ref.span else "")
    if ref.template is not None:
        parts = template.ingredients(ref.template)
        nested = [f"  {line}" for part in parts for line in explain(part, declarations, tiers.values())]
        return (head, f"  template: made of {', '.join(parts) or 'plain text'}", *nested)
    lines = [head]
    if LOCAL in ref.forbidden:
        lines.append(f"  {LOCAL}: not allowed here{_forgotten(ref, tiers)}")
    used: str | None = None
    for tier in ref.sources:
        answer, used = _tier_lines(ref, tiers[tier], used)
        lines += [f"  {line}" for line in answer]
    if ref.generate is not None and used is None:
        allowed = generate.may_generate(ref)
        will = f"would be made ({ref.generate.length} characters) and kept beside the playbook"
        lines.append(f"  generate: {will if allowed else f'not without {LOCAL} among its sources'}")
    return tuple(lines)


def inventory(
    declarations: Iterable[SecretRef], resolutions: Mapping[str, Resolution], users: Mapping[str, tuple[str, ...]]
) -> tuple[Row, ...]:
    """One row for each declared secret, in file order."""
    return tuple(_row(ref.key, resolutions[ref.key], users.get(ref.key, ())) for ref in declarations)


def _row(key: str, answer: Resolution, used_by: tuple[str, ...]) -> Row:
    if isinstance(answer, Missing):
        return Row(key, "missing", "", "", None, used_by, answer.tried, answer.remedies)
    state = "held" if isinstance(answer, Held) else "to be generated" if answer.tier == generate.TIER else "found"
    return Row(key, state, answer.tier, answer.version, answer.created, used_by)


def _tier_lines(ref: SecretRef, source: SecretSource, used: str | None) -> tuple[tuple[str, ...], str | None]:
    """Lines for one tier, and what ended the search so far: a tier's name, or that it stopped."""
    try:
        answer = source.fetch([ref])[ref]
    except ProvisionError as error:
        ending = "" if used else "; the search stops here"
        return (f"{source.tier}: {' '.join(error.message.split())}{ending}",), used or "stopped"
    if isinstance(answer, Missing):
        return answer.tried, used
    role = "used" if used is None else "not reached" if used == "stopped" else f"shadowed by {used}"
    return (f"{source.tier}: {_description(ref, answer)} ({role})",), used or source.tier


def _description(ref: SecretRef, answer: Found | Held) -> str:
    where = {"env_local": ref.env, "aws": ref.aws, "file": ref.file, "environment": ref.environment}.get(answer.tier)
    words = [f"held by the engine as {answer.name}" if isinstance(answer, Held) else f"found {where or ref.key}"]
    if isinstance(answer, Found) and answer.place:
        words[0] += f" in {answer.place}"
    if answer.version:
        words.append(f"version {answer.version}")
    if answer.created is not None:
        words.append(f"of {datetime.fromtimestamp(answer.created, UTC):%Y-%m-%d %H:%M} UTC")
    return ", ".join(words)


def _forgotten(ref: SecretRef, tiers: Mapping[str, SecretSource]) -> str:
    try:
        answer = tiers[LOCAL].fetch([ref])[ref] if LOCAL in tiers else Missing(())
    except ProvisionError as error:
        return f", and can not be read: {' '.join(error.message.split())}"
    return "" if isinstance(answer, Missing) else f", but {_place(answer)} has {ref.env}: plan and apply stop"


def _place(answer: Resolution) -> str:
    return (answer.place if isinstance(answer, Found) else "") or ".env.local"
