"""As much of a Dockerfile as rules and plans need: what its built stage stands on, its user, its health check. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.dockerfile_words import expanded, global_arguments
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<base>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*\Z", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*escape\s*=\s*(?P<character>\S)", re.IGNORECASE)
_SYNTAX = re.compile(r"(?:#[^\n]*\n)*?#\s*syntax\s*=\s*(?P<image>\S+)", re.IGNORECASE)
_OPTION = re.compile(r"\s*--(?P<key>[\w-]+)(?:=(?P<value>(?:\"[^\"]*\"|'[^']*'|\S)*))?")


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The facts of the built stage, inherited from the stages it stands on.

    `bases` are the images of all stages that it uses, with their lines, `copied` those of which it takes files; `user`
    is empty where no stage sets one; `health` is None where no stage says anything; `runs` are the shell lines of all
    stages it uses.
    """

    file: str
    bases: tuple[tuple[str, int], ...] = ()
    user: str = ""
    health: bool | None = None
    runs: str = ""
    copied: tuple[str, ...] = ()


@dataclass(slots=True)
class _Stage:
    """`parent` is the earlier stage that it stands on, `uses` are the images and stages of which it takes files."""

    base: str
    name: str
    line: int
    parent: _Stage | None = None
    user: str = ""
    health: bool | None = None
    runs: str = ""
    uses: tuple[str, ...] = ()


def parse(
    text: str,
    file: str,
    target: str = "",
    arguments: Mapping[str, str] | None = None,
    platform: Mapping[str, str] | None = None,
) -> Dockerfile | None:
    """The facts of `target`, or of the last stage; None when there is no such stage.

    Without the build's `arguments`, and what the builder itself tells of its `platform`, names of images that are made
    of arguments stay as they are written; so do those that can not be told.
    """
    values = None if arguments is None else global_arguments(_before_stages(text), arguments, platform or {})
    stages = _stages(text, values)
    by_name = {str(index): stage for index, stage in enumerate(stages)}
    by_name.update({stage.name.lower(): stage for stage in stages if stage.name})
    wanted = by_name.get(target.lower()) if target else (stages[-1] if stages else None)
    if wanted is None:
        return None
    user, health, runs = "", None, []
    current: _Stage | None = wanted
    while current is not None:
        user = user or current.user
        health = current.health if health is None else health
        runs.append(current.runs)
        current = current.parent
    used = _used(wanted, by_name)
    bases = tuple((stage.base, stage.line) for stage in stages if stage in used and stage.parent is None)
    copied = (name for stage in used for name in stage.uses if name.lower() not in by_name)
    return Dockerfile(file, bases, user, health, "\n".join(runs), tuple(dict.fromkeys(copied)))


def missing_stage(text: str, target: str = "") -> str:
    """Why there is nothing to build in a Dockerfile, for `target` or its last stage; empty where there is something.

    A Dockerfile of another syntax, which its first lines name, is not judged.
    """
    foreign = _SYNTAX.match(text)
    if not text.strip() or (foreign and not foreign["image"].startswith(("docker/dockerfile", "docker.io/docker/"))):
        return ""
    stages = _stages(text, None)
    if not stages:
        return "it has no FROM"
    names = [stage.name for stage in stages if stage.name]
    numbers = [str(index) for index in range(len(stages))]
    if not target or target.lower() in (*(name.lower() for name in names), *numbers):
        return ""
    return f"it has no stage '{target}'" + (
        f", only {', '.join(names)}" if names else ", and none of its stages a name"
    )


def _used(wanted: _Stage, by_name: dict[str, _Stage]) -> list[_Stage]:
    used, pending = [], [wanted]
    while pending:
        stage = pending.pop()
        if stage in used:
            continue
        used.append(stage)
        pending.extend(by_name[name.lower()] for name in stage.uses if name.lower() in by_name)
        if stage.parent is not None:
            pending.append(stage.parent)
    return used


def _before_stages(text: str) -> Iterator[str]:
    for _, instruction in _instructions(text):
        word, _, rest = instruction.partition(" ")
        if word.upper() == "FROM":
            return
        if word.upper() == "ARG":
            yield rest


def _stages(text: str, values: Mapping[str, str] | None) -> list[_Stage]:
    """The stages in order; with the values of arguments in the names of images where these are given."""
    stages: list[_Stage] = []
    for line, instruction in _instructions(text):
        word, _, rest = instruction.partition(" ")
        word, rest = word.upper(), rest.strip()
        if word == "FROM":
            match = _FROM.match(instruction)
            if match:
                base_name = None if values is None else expanded(match["base"], values)
                base = base_name or match["base"]
                parent = next(
                    (stage for stage in reversed(stages) if stage.name and stage.name.lower() == base.lower()), None
                )
                stages.append(_Stage(base, match["stage"] or "", line, parent))
        elif stages and word == "USER":
            stages[-1].user = rest
        elif stages and word == "HEALTHCHECK":
            stages[-1].health = rest.upper() != "NONE"
        elif stages and word == "RUN":
            stages[-1].runs += rest + "\n"
        if stages and word in ("COPY", "RUN"):
            stages[-1].uses += tuple(_sources(rest))
    return stages


def _sources(rest: str) -> Iterator[str]:
    """The stages and images that the options of a COPY or RUN name."""
    match = _OPTION.match(rest)
    while match:
        value = re.sub("[\"']", "", match["value"] or "")
        if match["key"] == "from":
            yield value
        elif match["key"] == "mount":
            yield from (part[len("from=") :] for part in value.split(",") if part.startswith("from="))
        match = _OPTION.match(rest, match.end())


def _instructions(text: str) -> list[tuple[int, str]]:
    """Logical lines with the number of their first line; comments and heredoc bodies are left out."""
    instructions: list[tuple[int, str]] = []
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
            if directive and not instructions and not pending:
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
        instructions.append((start, instruction))
        heredocs = [name for _, name in re.findall(r"<<-?(['\"]?)(\w+)\1", instruction)]
    if pending.strip():
        instructions.append((start, pending.strip()))
    return instructions
