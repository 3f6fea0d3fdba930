"""The playbook's `secrets` as values: where each one may come from, and everything wrong with that at once.

Pure; asks no tier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document.findings import nearest
from provisioner.errors import PlaybookInvalid
from provisioner.model.secret import Generate, SecretRef
from provisioner.playbook.fields import Fields, Problems
from provisioner.secrets import aws_reference, dotenv, generate, template
from provisioner.secrets.uses import environment_uses, users

if TYPE_CHECKING:
    from provisioner.model.playbook import Declared, Playbook
    from provisioner.model.span import Span

# The order in which a secret is looked for when the playbook does not say.
TIERS = ("env_local", "docker", "aws")


def declarations(playbook: Playbook) -> tuple[SecretRef, ...]:
    """The declared secrets in file order. `PlaybookInvalid` with every problem."""
    problems = Problems()
    refs = tuple(_ref(playbook, declared, problems) for declared in playbook.secrets.values())
    _check_templates(refs, playbook, problems)
    _check_uses(refs, playbook, problems)
    if problems.found:
        raise PlaybookInvalid(problems.found)
    return refs


def _ref(playbook: Playbook, declared: Declared, problems: Problems) -> SecretRef:
    fields = Fields(declared.body, f"secrets.{declared.key}", problems)
    aws = fields.text("aws")
    explicit = _sources(fields)
    rule = _generate(fields)
    form = next((form for form in ("template", "file", "environment") if fields.child(form) is not None), None)
    if form and explicit:
        problems.add(f"'{form}' and 'sources' exclude each other", fields.node.span, fields.path, "keep one of them")
    if aws is not None and aws_reference.parse(aws) is None:
        expected = "is not an id or ARN, then '?stage=' or '?version=', then '#' and a JSON key"
        problems.add(expected, _span(fields, "aws"), fields.at("aws"))
    return SecretRef(
        key=declared.key,
        names=(declared.name,) if declared.external else tuple(dict.fromkeys((declared.name, declared.key))),
        env=_env(fields, declared.key),
        aws=aws or "/".join(filter(None, (playbook.name, playbook.environment, declared.key))),
        sources=explicit or _default_sources(form, declared, asks_aws=aws is not None, generates=rule is not None),
        forbidden=tuple(tier for tier in TIERS if tier not in explicit) if explicit else (),
        asks_aws=aws is not None or "aws" in explicit,
        generate=rule,
        template=fields.text("template"),
        file=fields.text("file"),
        environment=fields.text("environment"),
        external=declared.external,
        allow_env=fields.boolean("allow_env") or False,
        span=declared.body.span,
    )


def _default_sources(form: str | None, declared: Declared, *, asks_aws: bool, generates: bool) -> tuple[str, ...]:
    if form:
        return () if form == "template" else (form,)
    if declared.external:
        return ("docker",)
    # A value that is made here needs no AWS, and a machine without it should not be asked for credentials.
    return TIERS if asks_aws or not generates else TIERS[:2]


def _sources(fields: Fields) -> tuple[str, ...]:
    found: list[str] = []
    for index, item in enumerate(fields.items("sources")):
        path = fields.at(f"sources.{index}")
        name = item.value if isinstance(item.value, str) else ""
        if name not in TIERS:
            hint = nearest(name, TIERS) or f"valid tiers: {', '.join(TIERS)}"
            fields.problems.add("is not a tier", item.span, path, hint)
        elif name in found:
            hint = "an overlay that replaces the list says `sources: !override [...]`"
            fields.problems.add(f"'{name}' is already in the list", item.span, path, hint)
        else:
            found.append(name)
    return tuple(found)


def _env(fields: Fields, key: str) -> str:
    name = fields.text("env")
    if name is None:
        return key.upper().replace("-", "_").replace(".", "_")
    if not dotenv.KEY.fullmatch(name):
        expected = "a name of letters, digits, '_', '.' and '-' expected"
        fields.problems.add(expected, _span(fields, "env"), fields.at("env"))
    return name


def _generate(fields: Fields) -> Generate | None:
    item = fields.child("generate")
    if item is None:
        return None
    inner = fields.mapping("generate")
    if inner is None:
        return None
    inner.only("length", "charset")
    length = inner.whole("length")
    if length is not None and not 8 <= length <= 1024:
        inner.problems.add("a length from 8 to 1024 expected", _span(inner, "length"), inner.at("length"))
    charset = inner.choice("charset", tuple(generate.ALPHABETS))
    rule = Generate() if length is None else Generate(length)
    return Generate(rule.length, charset) if charset else rule  # type: ignore[arg-type]


def _check_templates(refs: tuple[SecretRef, ...], playbook: Playbook, problems: Problems) -> None:
    templates = {ref.key: ref.template for ref in refs if ref.template is not None}
    for ref in refs:
        for name in template.ingredients(ref.template or ""):
            if name not in playbook.secrets:
                hint = nearest(name, playbook.secrets) or f"declare it under secrets.{name}"
                span = _span(Fields(playbook.secrets[ref.key].body, "", problems), "template")
                problems.add(f"'{name}' is not a declared secret", span, f"secrets.{ref.key}.template", hint)
    path = template.cycle(templates)
    if path:
        span = playbook.secrets[path[0]].body.span
        problems.add(f"templates need each other: {' → '.join(path)}", span, f"secrets.{path[0]}.template")


def _check_uses(refs: tuple[SecretRef, ...], playbook: Playbook, problems: Problems) -> None:
    """What a service may not do with a secret: put it into its environment, or read one meant for others."""
    by_key = {ref.key: ref for ref in refs}
    for service, variable, key, span in environment_uses(playbook):
        ref = by_key.get(key)
        path = f"services.{service}.environment.{variable}"
        if ref is None:
            hint = nearest(key, by_key) or f"declare it under secrets.{key}"
            problems.add(f"'{key}' is not a declared secret", span, path, hint)
        elif not ref.allow_env:
            problems.add(
                f"the value of '{key}' would be readable by everyone who can inspect the container",
                span,
                path,
                f"mount it and set {variable}_FILE: /run/secrets/{key}, or say `allow_env: true` at the secret",
            )
    for key, services in users(playbook).items():
        readers = Fields(playbook.secrets[key].body, f"secrets.{key}", problems).items("readers")
        allowed = {str(reader.value) for reader in readers}
        for service in services if allowed else ():
            if service not in allowed:
                span = playbook.services[service].body.span
                problems.add(
                    f"secret '{key}' is not for this service", span, f"services.{service}", "see its `readers`"
                )


def _span(fields: Fields, key: str) -> Span:
    item = fields.child(key)
    return item.span if item is not None else fields.node.span
