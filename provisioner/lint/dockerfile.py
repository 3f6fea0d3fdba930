"""As much of a Dockerfile as rules need: what its built stage stands on, its user and its health check. Pure."""

from __future__ import annotations

import re

from provisioner.model.dataclass import dataclass

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<base>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*\Z", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*escape\s*=\s*(?P<character>\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The facts of the built stage, inherited from the stages it stands on.

    `bases` are the images of all stages that it uses, with their lines; `user` is empty where no stage sets one;
    `health` is None where no stage says anything; `runs` are the shell lines of all stages it uses.
    """

    file: str
    bases: tuple[tuple[str, int], ...] = ()
    user: str = ""
    health: bool | None = None
    runs: str = ""


@dataclass(slots=True)
class _Stage:
    base: str
    name: str
    line: int
    user: str = ""
    health: bool | None = None
    runs: str = ""
    uses: tuple[str, ...] = ()


def parse(text: str, file: str, target: str = "") -> Dockerfile | None:
    """The facts of `target`, or of the last stage; None when there is no such stage."""
    stages = _stages(text)
    by_name = {str(index): stage for index, stage in enumerate(stages)}
    by_name.update({stage.name.lower(): stage for stage in stages if stage.name})
    wanted = by_name.get(target.lower()) if target else (stages[-1] if stages else None)
    if wanted is None:
        return None
    user, health, runs = "", None, []
    current: _Stage | None = wanted
    seen: list[_Stage] = []
    while current is not None and current not in seen:
        seen.append(current)
        user = user or current.user
        health = current.health if health is None else health
        runs.append(current.runs)
        current = by_name.get(current.base.lower())
    used = _used(wanted, by_name)
    bases = tuple((stage.base, stage.line) for stage in stages if stage in used and stage.base.lower() not in by_name)
    return Dockerfile(file, bases, user, health, "\n".join(runs))


def _used(wanted: _Stage, by_name: dict[str, _Stage]) -> list[_Stage]:
    used, pending = [], [wanted]
    while pending:
        stage = pending.pop()
        if stage in used:
            continue
        used.append(stage)
        pending.extend(by_name[name.lower()] for name in (stage.base, *stage.uses) if name.lower() in by_name)
    return used


def _stages(text: str) -> list[_Stage]:
    stages: list[_Stage] = []
    for line, instruction in _instructions(text):
        word, _, rest = instruction.partition(" ")
        word, rest = word.upper(), rest.strip()
        if word == "FROM":
            found = _FROM.match(instruction)
            if found:
                stages.append(_Stage(found["base"], found["stage"] or "", line))
        elif stages and word == "USER":
            stages[-1].user = rest
        elif stages and word == "HEALTHCHECK":
            stages[-1].health = rest.upper() != "NONE"
        elif stages and word == "RUN":
            stages[-1].runs += rest + "\n"
        if stages and word in ("COPY", "RUN"):
            stages[-1].uses += tuple(re.findall(r"(?:--from=|[,=]from=)([^\s,]+)", rest))
    return stages


def _instructions(text: str) -> list[tuple[int, str]]:
    """Logical lines with the number of their first line; comments and heredoc bodies are left out."""
    found: list[tuple[int, str]] = []
    heredocs: list[str] = []
    escape, pending, start = "\\", "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        if heredocs:
            if raw.strip() == heredocs[0]:
                heredocs.pop(0)
            continue
        line = raw.strip()
        if line.startswith("#"):
            directive = _DIRECTIVE.match(line)
            if directive and not found and not pending:
                escape = directive["character"]
            continue
        if not line and not pending:
            continue
        start = start if pending else number
        if line.endswith(escape):
            pending += line[:-1] + " "
            continue
        instruction = (pending + line).strip()
        pending = ""
        found.append((start, instruction))
        heredocs = [name for _, name in re.findall(r"<<-?(['\"]?)(\w+)\1", instruction)]
    if pending.strip():
        found.append((start, pending.strip()))
    return found
