"""The playbook's `secrets` as values: where each one may come from, and everything wrong with that at once.

Pure; asks no tier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from provisioner.errors import PlaybookInvalid
from provisioner.model.secret import Generate, SecretRef
from provisioner.playbook.fields import Problems, count_of, flag_of, text_of, texts_of
from provisioner.secrets import aws_reference, dotenv, template
from provisioner.secrets.uses import environment_uses, users

if TYPE_CHECKING:
    from provisioner.model.node import Node
    from provisioner.model.playbook import Declared, Playbook
    from provisioner.model.secret import Charset

# The order in which a secret is looked for when the playbook does not say.
TIERS = ("env_local", "docker", "aws")


def declarations(playbook: Playbook) -> tuple[SecretRef, ...]:
    """The declared secrets in file order. `PlaybookInvalid` with every problem."""
    problems = Problems()
    refs = tuple(_ref(playbook, declared, problems) for declared in playbook.secrets.values())
    _check_templates(refs, playbook, problems)
    _check_uses(refs, playbook, problems)
    if problems.entries:
        raise PlaybookInvalid(problems.entries)
    return refs


def _ref(playbook: Playbook, declared: Declared, problems: Problems) -> SecretRef:
    body, path = declared.body, f"secrets.{declared.key}"
    aws = text_of(body, "aws")
    explicit = _sources(body, path, problems)
    rule = _generate(body.get("generate"))
    form = next((form for form in ("template", "file", "environment") if text_of(body, form) is not None), None)
    if form and explicit:
        problems.add(f"'{form}' and 'sources' exclude each other", body.span, path, "keep one of them")
    if aws is not None and aws_reference.parse(aws) is None:
        expected = "is not an id or ARN, then '?stage=' or '?version=', then '#' and a JSON key"
        problems.add(expected, body.mapping["aws"].span, f"{path}.aws")
    env = text_of(body, "env")
    if env is not None and not dotenv.KEY.fullmatch(env):
        expected = "a name of letters, digits, '_', '.' and '-' expected"
        problems.add(expected, body.mapping["env"].span, f"{path}.env")
    return SecretRef(
        key=declared.key,
        names=(declared.name,) if declared.external else tuple(dict.fromkeys((declared.name, declared.key))),
        env=env if env is not None else declared.key.upper().replace("-", "_").replace(".", "_"),
        aws=aws or "/".join(filter(None, (playbook.name, playbook.environment, declared.key))),
        sources=explicit or _default_sources(form, declared, asks_aws=aws is not None, generates=rule is not None),
        forbidden=tuple(tier for tier in TIERS if tier not in explicit) if explicit else (),
        asks_aws=aws is not None or "aws" in explicit,
        generate=rule,
        template=text_of(body, "template"),
        file=text_of(body, "file"),
        environment=text_of(body, "environment"),
        external=declared.external,
        allow_env=flag_of(body, "allow_env") or False,
        span=body.span,
    )


def _default_sources(form: str | None, declared: Declared, *, asks_aws: bool, generates: bool) -> tuple[str, ...]:
    if form:
        return () if form == "template" else (form,)
    if declared.external:
        return ("docker",)
    # A value that is made here needs no AWS, and a machine without it should not be asked for credentials.
    return TIERS if asks_aws or not generates else TIERS[:2]


def _sources(body: Node, path: str, problems: Problems) -> tuple[str, ...]:
    sources = texts_of(body, "sources")
    for index, name in enumerate(sources):
        if name in sources[:index]:
            hint = "an overlay that replaces the list says `sources: !override [...]`"
            span = body.mapping["sources"].items[index].span
            problems.add(f"'{name}' is already in the list", span, f"{path}.sources.{index}", hint)
    return tuple(dict.fromkeys(sources))


def _generate(rule: Node | None) -> Generate | None:
    if rule is None:
        return None
    default = Generate()
    charset = text_of(rule, "charset") or default.charset
    return Generate(count_of(rule, "length") or default.length, cast("Charset", charset))


def _check_templates(refs: tuple[SecretRef, ...], playbook: Playbook, problems: Problems) -> None:
    path = template.cycle({ref.key: ref.template for ref in refs if ref.template is not None})
    if path:
        span = playbook.secrets[path[0]].body.span
        problems.add(f"templates need each other: {' → '.join(path)}", span, f"secrets.{path[0]}.template")


def _check_uses(refs: tuple[SecretRef, ...], playbook: Playbook, problems: Problems) -> None:
    """What a service may not do with a secret: put it into its environment, or read one meant for others."""
    by_key = {ref.key: ref for ref in refs}
    for service, variable, key, span in environment_uses(playbook):
        if not by_key[key].allow_env:
            problems.add(
                f"the value of '{key}' would be readable by everyone who can inspect the container",
                span,
                f"services.{service}.environment.{variable}",
                f"mount it and set {variable}_FILE: /run/secrets/{key}, or say `allow_env: true` at the secret",
            )
    for key, services in users(playbook).items():
        allowed = texts_of(playbook.secrets[key].body, "readers")
        for service in services if allowed else ():
            if service not in allowed:
                span = playbook.services[service].body.span
                problems.add(
                    f"secret '{key}' is not for this service", span, f"services.{service}", "see its `readers`"
                )
