"""`explain`: what an exit code, a lint rule or a key of the language means. Needs no playbook and no engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.document.attributes import rows, rules
from provisioner.document.findings import nearest
from provisioner.errors import UsageError
from provisioner.model.dataclass import dataclass
from provisioner.render.exit_codes import EXIT_CODES
from provisioner.render.reference import entry_of, summary_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.document.shape import Row
    from provisioner.render.reference import Entry

_RULE = re.compile(r"[Pp]\d{3}")
_MOST_KEYS = 8


@dataclass(frozen=True, slots=True)
class Topic:
    """What there is to say of one word: `kind` is exit_code, rule or key; `facts` are names and texts, in order."""

    kind: str
    name: str
    title: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()


def explain(word: str) -> tuple[Topic, ...]:
    """The topics that a word names; several where keys of several places are called so.

    UsageError, naming what is near, for a word that is none.
    """
    if word.isascii() and word.isdigit():
        return (_exit_code(int(word)),)
    if _RULE.fullmatch(word):
        return (_lint_rule(word.upper()),)
    matches = _rows(word.strip("."))
    if not matches:
        names = {".".join(_words(row)[-count:]) for row in rows() for count in (1, 2) if row.path}
        raise UsageError(
            f"'{word}' is no exit code, no lint rule and no key of a playbook",
            hint=nearest(word, sorted(names)) or "for example: provision explain 76, P101, deploy.replicas",
        )
    return tuple(_key(entry_of(row)) for row in matches)


def topics() -> list[tuple[str, str]]:
    """Every word that can be explained, with what a shell shows beside it."""
    from provisioner.lint.run import rules as lint_rules

    keys = {".".join(_words(row)): row for row in rows() if row.path and not row.path.endswith("*")}
    return [
        *((str(code), meaning) for code, (meaning, _) in EXIT_CODES.items()),
        *((rule.id, rule.title) for rule in lint_rules()),
        *((name, summary_of(row.path)) for name, row in keys.items()),
    ]


def _exit_code(code: int) -> Topic:
    if code not in EXIT_CODES:
        known = ", ".join(map(str, EXIT_CODES))
        raise UsageError(
            f"provision never ends with {code} of its own",
            hint=f"it ends with {known}; `exec` and `run` end with the code of their command",
        )
    meaning, advice = EXIT_CODES[code]
    return Topic("exit_code", str(code), f"exit code {code}", meaning, (("what to do", advice),) if advice else ())


def _lint_rule(name: str) -> Topic:
    from provisioner.lint.run import rules as lint_rules

    known = {rule.id: rule for rule in lint_rules()}
    if name not in known:
        raise UsageError(f"there is no lint rule {name}", hint=nearest(name, known) or f"there are: {', '.join(known)}")
    rule = known[name]
    facts = (
        ("severity", str(rule.severity)),
        ("to mend it", rule.fix),
        ("to accept it", f"lint: {{ignore: [{{rule: {name}, service: NAME, reason: why}}]}}"),
    )
    return Topic("rule", name, f"{name}: {rule.title}", rule.reason, facts)


def _key(entry: Entry) -> Topic:
    rows = (
        ("value", entry.value),
        ("plain engine", entry.containers),
        ("Swarm", f"{entry.swarm}: {entry.not_on_swarm}" if entry.not_on_swarm else entry.swarm),
        ("engine", f"since Docker Engine {entry.engine}" if entry.engine else ""),
        ("a change", entry.cost),
        *(("not everywhere", reason) for reason in entry.reasons),
    )
    facts = tuple((name, text.replace("`", "")) for name, text in rows if text)
    own = ", a key of provisioner's own" if entry.own else ""
    return Topic("key", entry.path, f"{entry.path}{own}", entry.summary, facts)


def _rows(word: str) -> list[Row]:
    """The rows that a path means: without names, with names in their places, or those that end with it."""
    path = [part for part in re.split(r"[.\[\]]+", word) if part]
    parts = [part for part in path if not part.isdecimal()]
    if not parts:
        return []
    exact = [row for row in rows() if _words(row) == parts and not row.path.endswith("*")] or _row_at(path)
    if exact and len(parts) > 1:
        return exact
    ends = [row for row in rows() if _words(row)[-len(parts) :] == parts and not row.path.endswith("*")]
    others = [row for row in ends if row not in exact]
    # A service's key is what is meant most often.
    others.sort(key=lambda row: (row.path.count("."), not row.path.startswith("services."), row.path))
    return [*exact, *others][:_MOST_KEYS]


def _row_at(path: Sequence[str]) -> list[Row]:
    """The row of a place of a playbook, with the names that stand in it."""
    rule = rules()
    for part in path:
        below = rule.below(part)
        if below is None:
            return []
        rule = below
    return [rule.row]


def _words(row: Row) -> list[str]:
    return [part for part in row.path.split(".") if part != "*"]
