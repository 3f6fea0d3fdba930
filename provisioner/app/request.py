"""What the user asked about: which playbook, with which variables, on which engine. Knows no command line."""

from __future__ import annotations

import shlex
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import Node


@dataclass(frozen=True, slots=True)
class Request:
    """One environment, as far as the command line and what is around it choose it.

    `files` are merged in order and stand as the user would name them, relative to `directory` (absolute: where
    the command runs) or absolute. `target` is the TARGET as typed or as found by default; empty where files were
    named with `-f`. `in_playbooks` says that the file lies under `playbooks/`, where a playbook has an environment
    even if it does not name one. `overrides` (`-e`) win over `shell`, a snapshot of the process environment.
    `context` and `host` are never both set. `project_name` is what objects are called after in place of the playbook's
    name; `project_directory` is where relative paths start in place of the first file's folder. `ambient_env_file` is
    the `.env` of the folder in which files were looked for: it goes before that of the project directory.
    `vars` are sections of variables that a play gives to its playbook, those that win first. `typed` are the words that
    name the environment again, for the commands that messages advise.
    """

    files: tuple[str, ...]
    directory: str
    target: str = ""
    in_playbooks: bool = False
    overrides: Mapping[str, str] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    project_name: str | None = None
    project_directory: str | None = None
    ambient_env_file: str | None = None
    context: str | None = None
    host: str | None = None
    shell: Mapping[str, str] = field(default_factory=dict)
    vars: tuple[Node, ...] = ()
    typed: tuple[str, ...] = ()

    def command(self, *words: str, project: str = "") -> str:
        """A command for this very environment, or for the one that it is under the name `project`, to be typed."""
        typed = [*self.typed]
        if project:
            at = typed.index("-p") if "-p" in typed else len(typed)
            typed[at : at + 2] = ["-p", project]
        return shlex.join(["provision", *words, *typed])
