"""P308: a backup command that ends well though a part of it has failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.rule import Rule, at
from provisioner.model.dataclass import dataclass
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_SHELLS = frozenset(("sh", "ash", "bash", "dash", "zsh", "ksh"))
# What a shell takes as it is: quoted text, an escaped character, a comment.
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.", re.DOTALL)
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*")
_PIPE = re.compile(r"(?<![|>])\|(?!\|)")
_ALWAYS = re.compile(r"(?:\|\||;)\s*(?:true|:|exit 0)\s*\Z")
_PIPEFAIL = re.compile(r"\bset\s[^;&|\n]*\bpipefail\b")
_ERREXIT = re.compile(r"\bset\s+(?:-[a-z]*e|[^;&|\n]*\berrexit\b)")
# Statements that do not fail, and those that are no list of commands.
_HARMLESS = re.compile(r"\s*(?:\w+=\S*\s*|(?:set|export|umask|trap|unset|:)\b.*)?\Z", re.DOTALL)
_PSQL = re.compile(r"(?:\A|[\s;|&(/])psql(?=\s|\Z)")
_SINGLE = re.compile(r"\s(?:-[a-zA-Z]*c|--command)(?:[\s=]|\Z)")
_COMPOUND = re.compile(r"(?:^|[;&|\n(])\s*(?:if|for|while|until|case|function|\{|\()(?=\s|\Z)|\|\|\s*(?:exit|return)\b")


@dataclass(frozen=True, slots=True)
class _Script:
    """What a shell runs, at an index of the command, and the options that the shell was given."""

    index: int
    text: str
    options: tuple[str, ...]


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        said = service.backup
        commands = {"command": said.command, "restore": said.restore, "mask": said.mask} if said else {}
        for part, command in commands.items():
            script = _script(command)
            hidden = _hidden(script) if script is not None else None
            if script is not None and hidden is not None:
                message, severity = hidden
                yield at(service, "backup", part, str(script.index), message=message, severity=severity)
            elif part != "command" and _goes_on(script.text if script is not None else " ".join(command)):
                yield at(
                    service, "backup", part, message="psql goes on after an error, and ends well",
                    fix="psql -v ON_ERROR_STOP=1",
                )  # fmt: skip


def _script(command: Sequence[str]) -> _Script | None:
    """The script of `sh -c …`; None for another command."""
    first = 1 if command and command[0].rpartition("/")[2] == "busybox" else 0
    if len(command) <= first or command[first].rpartition("/")[2] not in _SHELLS:
        return None
    options: list[str] = []
    for index, word in enumerate(command[first + 1 :], first + 1):
        if word[:1] in ("-", "+") or (options and re.fullmatch(r"[-+][a-z]*o", options[-1])):
            options.append(word)
        elif any(re.fullmatch(r"-[a-z]*c[a-z]*", option) for option in options):
            return _Script(index, word, tuple(options))
        else:
            return None
    return None


def _hidden(script: _Script) -> tuple[str, Severity] | None:
    """What becomes of a failure in it, where that is nothing."""
    text = _COMMENT.sub("", _QUOTED.sub("_", script.text)).strip()
    if _ALWAYS.search(text):
        return "it ends well whatever its commands do", Severity.ERROR
    pipe = _PIPE.search(text)
    if pipe and "pipefail" not in script.options and not _PIPEFAIL.search(text):
        name = _program(re.split(r"[;&(\n]", text[: pipe.start()])[-1])
        return f"a pipe ends as its last command does: where {name} fails, nobody notices", Severity.WARNING
    errexit = any(re.fullmatch(r"-[a-z]*e[a-z]*", option) for option in script.options) or "errexit" in script.options
    statements = [part for part in re.split(r"[;\n]", text) if part.strip()]
    if errexit or _ERREXIT.search(text) or _COMPOUND.search(text):
        return None
    if any(not _HARMLESS.fullmatch(statement) for statement in statements[:-1]):
        return "only its last command decides how it ends: where one before it fails, nobody notices", Severity.WARNING
    return None


def _goes_on(text: str) -> bool:
    """Whether psql is called with a script, and does not end with the first error in that: one of -c does."""
    return bool(_PSQL.search(text)) and "ON_ERROR_STOP" not in text and not _SINGLE.search(text)


def _program(statement: str) -> str:
    """The program that a statement calls, without variables that are set for it."""
    return next((f"'{word}'" for word in statement.split() if "=" not in word), "one before it")


RULE = Rule(
    id="P308",
    severity=Severity.WARNING,
    title="Backup command that hides a failure",
    reason="A dump that is empty or cut is taken for a good one, and is missed when it is needed.",
    fix="begin the script with `set -eo pipefail;` (bash, and sh of Alpine; where sh knows no pipefail call bash), or "
    "let one command do it: pg_dump -Fc compresses by itself",
    check=check,
)
