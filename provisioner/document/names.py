"""What a playbook, its environment and its project are called."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.document.findings import Findings
    from provisioner.model.node import Node

FOLDER = "playbooks"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Names:
    """`name` is the system, `project` what objects on the engine are called after."""

    name: str
    environment: str | None
    project: str


def normalised(text: str) -> str:
    """`text` as a project name, as Compose makes one from a folder's name."""
    return re.sub(r"[^-_a-z0-9]", "", text.lower()).lstrip("_-")


def find(
    *,
    name: Node | None,
    environment: Node | None,
    path: str,
    directory: str,
    in_playbooks: bool,
    asked: str | None,
    from_environment: str | None,
    findings: Findings,
) -> Names:
    """The names of the playbook at `path`.

    `asked` is the project's name on the command line and beats everything; `from_environment` is COMPOSE_PROJECT_NAME,
    which a playbook under playbooks/ does not heed: its objects must not move with somebody's shell.
    """
    system = _given(name, findings)
    if system is None and from_environment and not in_playbooks:
        system = _checked(from_environment, findings)
    elif system is not None and from_environment and not in_playbooks:
        system = _checked(from_environment, findings) or system
    if system is None:
        system = normalised(_folder(directory, in_playbooks))
        if not system and asked is None:
            findings.error(
                "no name can be made from the folder's name", name.span if name else None, ("name",), "give `name:`"
            )
    where = _matching(environment)
    if where is None and in_playbooks:
        where = normalised(PurePosixPath(path).stem) or None
    if asked is not None:
        if _NAME.fullmatch(asked) is None:
            findings.error(f"the project name '{asked}' is not valid", None, (), _HINT)
        return Names(system, where, asked)
    return Names(system, where, f"{system}-{where}" if where else system)


_HINT = "use lower-case letters, digits, '-' and '_', and start with a letter or digit"


def _given(node: Node | None, findings: Findings) -> str | None:
    """The playbook's own name, without what no object's name may have; none where nothing is left of it."""
    if node is None or not isinstance(node.value, str):
        # The rows tell what is wrong with it.
        return None
    name = normalised(node.value)
    if name and name != node.value:
        findings.warn(f"'{node.value}' is '{name}' in the names of objects", node.span, ("name",), _HINT)
    return name or None


def _matching(node: Node | None) -> str | None:
    return node.value if node is not None and isinstance(node.value, str) and _NAME.fullmatch(node.value) else None


def _checked(text: str, findings: Findings) -> str | None:
    if _NAME.fullmatch(text) is None:
        findings.error(f"COMPOSE_PROJECT_NAME '{text}' is not valid", None, (), _HINT)
        return None
    return text


def _folder(directory: str, in_playbooks: bool) -> str:
    folder = PurePosixPath(directory)
    if in_playbooks and folder.name == FOLDER:
        folder = folder.parent
    return folder.name
