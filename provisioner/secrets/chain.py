"""Resolving all declared secrets through their tiers, in order, one batch per tier.

A tier is passed over only when it definitely has no such secret; its errors stop everything before anything changed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable, Unreachable
from provisioner.model.secret import LARGEST_SECRET, Found, Missing, Resolution, SecretRef
from provisioner.secrets import generate, template
from provisioner.secrets.fingerprint import FingerprintKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from provisioner.ports import SecretSource
    from provisioner.secrets.fingerprint import KeyAbsent

LOCAL = "env_local"


def resolve(
    declarations: Sequence[SecretRef],
    sources: Iterable[SecretSource],
    key: FingerprintKey | KeyAbsent,
    *,
    tell: Callable[[str], None] = lambda message: None,
    command: str = "provision",
) -> Mapping[str, Resolution]:
    """An answer for every declared secret, by its key. Changes nothing.

    `command` is how a remedy calls this program for this environment. `tell` hears of shadowed values and of what the
    tiers warn of. Values that `generate` makes are `Found` with the tier `generate` and kept nowhere yet (see
    `generate.keep`). Without a key fingerprints stay empty.
    `SecretUnavailable` for a forgotten value of a tier that is not allowed, an empty or oversized one, and a template
    that needs what can not be read; whatever a tier raises goes through.
    """
    tiers = {source.tier: source for source in sources}
    plain = [ref for ref in declarations if ref.template is None]
    _refuse_forgotten(plain, tiers)
    answers = _ask_tiers(plain, tiers, command)
    _tell_shadowed(plain, answers, tiers, tell)
    for source in tiers.values():
        for warning in source.warnings():
            tell(warning)
    made = {ref.key: _made(ref, answers[ref.key]) for ref in plain}
    complete = template.compose(declarations, made)
    _refuse_unusable(declarations, complete)
    return {ref.key: _sealed(ref, complete[ref.key], key) for ref in declarations}


def require(resolutions: Mapping[str, Resolution]) -> None:
    """Raise `SecretUnavailable` that names every missing secret and where it was looked for."""
    missing = [(key, answer) for key, answer in resolutions.items() if isinstance(answer, Missing)]
    if not missing:
        return
    lines = []
    for key, answer in missing:
        lines += [f"secret {key} is missing", *(f"  {tried}" for tried in answer.tried)]
    remedies = next((answer.remedies for _, answer in missing if answer.remedies), ())
    raise SecretUnavailable("\n".join(lines), hint=", or ".join(remedies) or None)


def _remedies(ref: SecretRef, tried: Sequence[str], command: str) -> tuple[str, ...]:
    """What would put a secret where it was looked for."""
    swarm = not any("not a Swarm manager" in place for place in tried)
    commands = {
        LOCAL: f"{command} secrets set {ref.key}",
        "docker": f"docker secret create {ref.names[0]} - < FILE" if ref.names and swarm else "",
        "aws": f"aws secretsmanager create-secret --name {ref.aws.partition('#')[0]} --secret-string file://FILE",
        "file": f"put it into {ref.file}",
        "environment": f"export {ref.environment}",
    }
    return tuple(text for tier in ref.sources if (text := commands.get(tier)))


def _with_earlier(
    error: SecretUnavailable | Unreachable,
    refs: Sequence[SecretRef],
    tried: Mapping[str, tuple[str, ...]],
    command: str,
) -> SecretUnavailable | Unreachable:
    """The error of a tier, with where its secrets were looked for before and what would put them there."""
    earlier = [ref for ref in refs if tried[ref.key]]
    if not earlier:
        return error
    lines = [error.message]
    for ref in earlier:
        lines += [f"secret {ref.key} was looked for before that", *(f"  {place}" for place in tried[ref.key])]
    remedies = [
        remedy for remedy in _remedies(earlier[0], tried[earlier[0].key], command) if not remedy.startswith("aws ")
    ]
    return type(error)("\n".join(lines), hint=", or ".join([*remedies, *([error.hint] if error.hint else [])]))


def _ask_tiers(refs: Sequence[SecretRef], tiers: Mapping[str, SecretSource], command: str) -> dict[str, Resolution]:
    """Ask each secret's first tier, then the next one for those that are missing there."""
    tried: dict[str, tuple[str, ...]] = defaultdict(tuple)
    answers: dict[str, Resolution] = {}
    left = list(refs)
    depth = 0
    while left:
        groups: dict[str, list[SecretRef]] = defaultdict(list)
        for ref in left:
            if depth < len(ref.sources):
                groups[ref.sources[depth]].append(ref)
            else:
                answers[ref.key] = Missing(tried[ref.key], _remedies(ref, tried[ref.key], command))
        left = []
        for tier, group in groups.items():
            failed: SecretUnavailable | Unreachable | None = None
            given: Mapping[SecretRef, Resolution] = {}
            try:
                given = tiers[tier].fetch(group)
            except (SecretUnavailable, Unreachable) as error:
                failed = _with_earlier(error, group, tried, command)
            if failed is not None:
                raise failed
            for ref in group:
                answer = given[ref]
                if isinstance(answer, Missing):
                    tried[ref.key] += answer.tried
                    left.append(ref)
                else:
                    answers[ref.key] = answer
        depth += 1
    return answers


def _refuse_forgotten(refs: Sequence[SecretRef], tiers: Mapping[str, SecretSource]) -> None:
    """Stop for a value in `.env.local` that the playbook does not allow: somebody believes that it is used."""
    barred = [ref for ref in refs if LOCAL in ref.forbidden]
    if not barred or LOCAL not in tiers:
        return
    unclear = None
    answers: Mapping[SecretRef, Resolution] = {}
    try:
        answers = tiers[LOCAL].fetch(barred)
    except Unreachable as error:
        unclear = error.message
    if unclear:
        raise SecretUnavailable(f"{LOCAL} is not allowed here, and may have a forgotten value: {unclear}")
    forgotten = [ref for ref in barred if not isinstance(answers[ref], Missing)]
    if forgotten:
        lines = [
            f"secret {ref.key}: {_place(answers[ref])} has {ref.env}, and its `sources` ({', '.join(ref.sources)}) "
            "do not allow it"
            for ref in forgotten
        ]
        hint = (
            "what belongs to another environment goes into its own .env.<environment>.local, which no other reads; "
            f"what belongs to this one: allow {LOCAL} in `sources`, or let a tier that is allowed have it"
        )
        raise SecretUnavailable("\n".join(lines), hint=hint)


def _place(answer: Resolution) -> str:
    """The name of the local file that has an answer."""
    return (answer.place if isinstance(answer, Found) else "") or ".env.local"


def _tell_shadowed(
    refs: Sequence[SecretRef],
    answers: Mapping[str, Resolution],
    tiers: Mapping[str, SecretSource],
    tell: Callable[[str], None],
) -> None:
    """Say which values hide one of a later tier, as far as that can be seen without a request to a service outside."""
    later: dict[str, list[SecretRef]] = defaultdict(list)
    for ref in refs:
        answer = answers[ref.key]
        if not isinstance(answer, Missing) and answer.tier in ref.sources:
            for tier in ref.sources[ref.sources.index(answer.tier) + 1 :]:
                if not tiers[tier].remote:
                    later[tier].append(ref)
    for tier, group in later.items():
        try:
            hidden = tiers[tier].fetch(group)
        except (SecretUnavailable, Unreachable) as error:
            tell(f"can not see whether {tier} has other values: {error.message}")
            continue
        for ref in group:
            answer = answers[ref.key]
            if not isinstance(hidden[ref], Missing) and not isinstance(answer, Missing):
                tell(f"secret {ref.key} comes from {answer.tier} and shadows the one in {tier}")


def _made(ref: SecretRef, answer: Resolution) -> Resolution:
    if isinstance(answer, Missing) and ref.generate is not None:
        if generate.may_generate(ref):
            return Found(generate.generated(ref.generate), "", generate.TIER)
        return replace(answer, tried=(*answer.tried, f"{generate.TIER}: not without {LOCAL} among its sources"))
    return answer


def _refuse_unusable(refs: Iterable[SecretRef], answers: Mapping[str, Resolution]) -> None:
    """Both bounds are Swarm's; a plain engine gets no other secrets than a Swarm could take."""
    refused = []
    for ref in refs:
        answer = answers[ref.key]
        if not isinstance(answer, Found):
            continue
        size = answer.value.size
        if size == 0:
            refused.append(f"secret {ref.key} is empty in {answer.tier}")
        elif size > LARGEST_SECRET:
            refused.append(f"secret {ref.key} has {size} bytes in {answer.tier}; at most {LARGEST_SECRET} are possible")
    if refused:
        raise SecretUnavailable("\n".join(refused))


def _sealed(ref: SecretRef, answer: Resolution, key: FingerprintKey | KeyAbsent) -> Resolution:
    if isinstance(answer, Found) and isinstance(key, FingerprintKey):
        return replace(answer, fingerprint=key.fingerprint(ref.key, answer.value))
    return answer
