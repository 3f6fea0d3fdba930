"""The language as a JSON Schema (draft 2020-12) for editors, made from the rows: they stay the only source.

It describes files as people write them: short forms beside long ones, and `$` where a variable may stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.document import plays
from provisioner.document.attributes import rules
from provisioner.document.shape import BOOLEAN, INTEGER, MAPPING, NULL, NUMBER, SEQUENCE, STRING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.document.attributes import Rule
    from provisioner.document.shape import Shape

    # What is said of the key at a path; empty where there is nothing to say.
    Describe = Callable[[str], str]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = r"\$"
_NOTHING = "^(null)?$"
_TYPES = {
    STRING: "string", INTEGER: "integer", NUMBER: "number", BOOLEAN: "boolean", NULL: "null", MAPPING: "object",
    SEQUENCE: "array",
}  # fmt: skip
_SCALARS = ["string", "number", "boolean", "null"]
# How text must look where a quantity is written as text.
_TEXTS: Mapping[str, str] = {
    "boolean": r"^([Tt]rue|TRUE|[Ff]alse|FALSE|[Yy](es)?|YES|[Nn]o?|NO|[Oo]n|ON|[Oo]ff|OFF)$",
    "integer": r"^[-+]?[0-9]+$",
    "number": r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$",
    "duration": r"^(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w))+)$",
    "size": r"^(-1|[0-9]+(\.[0-9]+)? ?[kmgtpKMGTP]?[iI]?[bB]?)$",
    "mode": r"^(0[oO]?)?[0-7]{1,4}$",
    "count": r"^(all|-?[0-9]+)$",
    "ports": r"^([0-9]+(-[0-9]+)?)?$",
}


def schema(describe: Describe) -> dict[str, Any]:
    """The schema of a playbook file: of one environment, or a list of plays.

    `describe` adds what is known of a key besides its row.
    """
    return {
        "$schema": DIALECT,
        "$id": "urn:provisioner:playbook",
        "title": "Playbook",
        "description": "The declared state of one environment: Compose's language and what provisioner adds to it; or "
        "a list of plays, which brings up several environments under one name.",
        **_value(rules(), "", describe),
        # Keywords of lists say nothing of mappings, and the other way round.
        "type": ["object", "array"],
        "minItems": 1,
        "items": _play(),
    }


def _play() -> dict[str, Any]:
    """The schema of one play of a list."""
    properties: dict[str, Any] = {}
    for key in plays.KEYS:
        forms: list[dict[str, Any]] = []
        for kind in key.kinds:
            form: dict[str, Any] = {"type": _TYPES[kind]}
            if kind == SEQUENCE:
                form["items"] = {"type": "string"}
            if kind == MAPPING:
                form["additionalProperties"] = {"type": ["string", "number", "boolean"]}
            forms.append(form)
        properties[key.name] = {"title": key.expected, "description": key.about, **_any_of(forms)}
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
        "required": [plays.IMPORT],
    }


def _value(rule: Rule, path: str, describe: Describe, *, nullable: bool = False) -> dict[str, Any]:
    """The schema of the value at one place.

    Keys are `nullable`: an editor sees `!reset null`, which takes a key away, as nothing or as the text `null`, and
    `!reset` alone as an empty text.
    """
    shape = rule.row.shape
    forms = [
        _form(kind, rule, path, describe)
        for kind in shape.kinds
        if not (kind == SEQUENCE and SEQUENCE in rule.row.short)
    ]
    forms += [_short(kind, rule, path, describe) for kind in rule.row.short]
    text = describe(path) if path else ""
    about = {"title": shape.expected} if path else {}
    about |= {"description": text} if text else {}
    return {**about, **_or_nothing(_any_of(forms), nullable=nullable)}


def _or_nothing(form: dict[str, Any], *, nullable: bool) -> dict[str, Any]:
    if not nullable:
        return form
    if "anyOf" in form:
        return {"anyOf": [*form["anyOf"], {"type": ["null", "string"], "pattern": _NOTHING}]}
    types = form["type"] if isinstance(form["type"], list) else [form["type"]]
    nullable_types = list(dict.fromkeys([*types, "null", "string"]))
    if "string" in types and "pattern" not in form:
        return {**form, "type": nullable_types}
    # A pattern is asked of texts only.
    pattern = f"{form['pattern']}|{_NOTHING}" if "pattern" in form else _NOTHING
    return {**form, "type": nullable_types, "pattern": pattern}


def _any_of(forms: list[dict[str, Any]]) -> dict[str, Any]:
    """One of several forms; plain types are written together."""
    plain = [form["type"] for form in forms if form.keys() == {"type"}]
    types = list(
        dict.fromkeys(kind for written in plain for kind in (written if isinstance(written, list) else [written]))
    )
    if "number" in types and "integer" in types:
        types.remove("integer")
    others = [form for form in forms if form.keys() != {"type"}]
    unique = [form for index, form in enumerate(others) if form not in others[:index]]
    if types:
        unique.append({"type": types[0] if len(types) == 1 else types})
    return unique[0] if len(unique) == 1 else {"anyOf": unique}


def _form(kind: str, rule: Rule, path: str, describe: Describe) -> dict[str, Any]:
    """The schema of one kind of value."""
    if kind == MAPPING:
        return _mapping(rule, path, describe)
    if kind == SEQUENCE:
        return _sequence(rule, path, describe, [])
    if kind == STRING:
        return _text(rule.row.shape)
    form: dict[str, Any] = {"type": _TYPES[kind]}
    if kind in (INTEGER, NUMBER):
        bounds = {"minimum": rule.row.shape.minimum, "maximum": rule.row.shape.maximum}
        form |= {key: bound for key, bound in bounds.items() if bound is not None}
    return form


def _text(shape: Shape) -> dict[str, Any]:
    if shape.enum:
        return {"anyOf": [{"enum": list(shape.enum)}, {"type": "string", "pattern": _VARIABLE}]}
    pattern = f"^({shape.pattern})$" if shape.pattern else _TEXTS.get(shape.format, "")
    return {"type": "string", "pattern": f"{pattern}|{_VARIABLE}"} if pattern else {"type": "string"}


def _mapping(rule: Rule, path: str, describe: Describe) -> dict[str, Any]:
    form: dict[str, Any] = {"type": "object"}
    if not rule.children and rule.any is None:
        return form
    below = f"{path}." if path else ""
    if rule.children:
        form["properties"] = {
            key: _value(child, f"{below}{key}", describe, nullable=True) for key, child in sorted(rule.children.items())
        }
    patterns: dict[str, Any] = {"^x-": {}}
    if rule.any is not None and MAPPING in rule.row.shape.kinds:
        keys = rule.row.shape.keys or ".+"
        item = _value(rule.any, f"{below}*", describe, nullable=True)
        # A name that begins with x- is an extension only where names are not free.
        patterns = {f"^({keys})$" if keys != ".+" else ".+": item}
    form["patternProperties"] = patterns
    form["additionalProperties"] = False
    if rule.row.shape.required:
        form["required"] = list(rule.row.shape.required)
    return form


def _sequence(rule: Rule, path: str, describe: Describe, also: list[dict[str, Any]]) -> dict[str, Any]:
    if rule.any is None:
        return {"type": "array"}
    item = _value(rule.any, f"{path}.*", describe)
    return {"type": "array", "items": _any_of([*also, item]) if also else item}


def _short(kind: str, rule: Rule, path: str, describe: Describe) -> dict[str, Any]:
    """The schema of a short form."""
    if kind == SEQUENCE and SEQUENCE in rule.row.shape.kinds:
        return _sequence(rule, path, describe, [{"type": ["string", "number"]}])
    if kind == SEQUENCE:
        return {"type": "array", "items": {"type": _SCALARS}}
    if kind == MAPPING:
        values = {"anyOf": [{"type": _SCALARS}, {"type": "array", "items": {"type": _SCALARS}}]}
        return {"type": "object", "additionalProperties": values}
    return {"type": _TYPES[kind]}
