"""What `read` is given and what it returns. Everything from outside comes in here: no module of this layer asks the
process for its environment.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import Node
    from provisioner.model.span import Problem, Span
    from provisioner.model.unused import Undeployed, Unused


# What a reading may leave out.
INTERPOLATION, ENVIRONMENT, NORMALISATION, CONSISTENCY = "interpolate", "env-resolution", "normalize", "consistency"


@dataclass(frozen=True, slots=True)
class Sources:
    """What to read. `files` are merged in order by Compose's rules; '-' is standard input.

    `environment` is the shell's, `overrides` are the command line's (`-e NAME=VALUE`) and beat everything. No
    `env_files` means `.env` in the project directory, if there is one, below `ambient_env_file`, the one of the folder
    in which the files were looked for. `in_playbooks` says that the first file lies
    under playbooks/ and so has an environment: its `environment:` key, else its stem. `vars` are sections of
    variables that win over those of the files, the first of them most (a play's, and those of what imports it).
    `without` leaves out what `config --no-…` names: such a document is to be printed, not to be bound.
    """

    files: tuple[str, ...]
    directory: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    project_name: str | None = None
    ambient_env_file: str | None = None
    in_playbooks: bool = False
    vars: tuple[Node, ...] = ()
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VariableUse:
    """One variable of the playbook: its value, where that came from, what it hides, and where it is used.

    `origin` is "command line", "shell", "env file FILE:LINE", "vars FILE:LINE", "default" (only `${X:-…}` says
    something) or "unset"; `shadowed` names the origins that lost, best first.
    """

    name: str
    value: str | None
    origin: str
    shadowed: tuple[str, ...] = ()
    used_at: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A playbook, read: one canonical tree, and what is to be known about how it came to be.

    `project` is the name that objects on the engine carry, `name` the system, `directory` is absolute, `files` are all
    files that were read, `documents` those of them that are YAML and no env files. `unset` holds every `${X}` that has
    neither a value nor a default. `profiles` are the active ones, `inactive` the services that none of them starts,
    `unused` the objects that were left out of the tree, `undeployed` everything that is declared and was left out,
    whatever for. `without` is what Sources had.
    """

    root: Node
    project: str
    name: str
    environment: str | None
    directory: str
    files: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()
    unset: tuple[Problem, ...] = ()
    variables: tuple[VariableUse, ...] = ()
    profiles: frozenset[str] = frozenset()
    inactive: frozenset[str] = frozenset()
    unused: tuple[Unused, ...] = ()
    undeployed: tuple[Undeployed, ...] = ()
    without: frozenset[str] = frozenset()
    documents: tuple[str, ...] = ()
