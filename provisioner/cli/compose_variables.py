"""Compose's own variables, which choose files: COMPOSE_FILE, COMPOSE_PATH_SEPARATOR, COMPOSE_ENV_FILES.

They mean what they mean to Compose; COMPOSE_PROJECT_NAME and COMPOSE_PROFILES are read with the playbook.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TRUE = ("1", "t", "T", "true", "True", "TRUE")
_CHOOSING = ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR")


def env_files(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The env files that COMPOSE_ENV_FILES names, apart by commas. Compose reads it from the shell only."""
    named = environment.get("COMPOSE_ENV_FILES", "").split(",")
    return tuple(name.strip() for name in named if name.strip())


def implicit_env_file(folder: str, environment: Mapping[str, str]) -> str | None:
    """The `.env` of a folder, unless there is none or COMPOSE_DISABLE_ENV_FILE says to leave it."""
    path = Path(folder, ".env")
    if environment.get("COMPOSE_DISABLE_ENV_FILE", "") in _TRUE or not path.is_file():
        return None
    return str(path)


def compose_files(environment: Mapping[str, str], env_files: Sequence[str]) -> tuple[str, ...]:
    """The files that COMPOSE_FILE names, in the environment or else in one of the env files, the last one first."""
    given = {name: environment[name] for name in _CHOOSING if name in environment}
    if "COMPOSE_FILE" not in given or "COMPOSE_PATH_SEPARATOR" not in given:
        given = {**_settings(environment, env_files), **given}
    separator = given.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return tuple(name for name in given.get("COMPOSE_FILE", "").split(separator) if name)


def _settings(environment: Mapping[str, str], env_files: Sequence[str]) -> dict[str, str]:
    """The variables of env files. What is wrong with a file is told when the playbook is read."""
    if not env_files:
        return {}
    from provisioner.document.files import Files
    from provisioner.document.findings import Findings

    paths = [(str(Path(name).absolute()), None) for name in env_files]
    tiers = Files(str(Path.cwd()), Findings()).tiers(paths, environment.get)
    return {name: variable.value for tier in reversed(tiers) for name, variable in tier.items()}


def with_working_folder(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with PWD, which Compose sets: the shell's own spelling of the current folder, if it is one."""
    here = Path.cwd()
    named = Path(environment.get("PWD", ""))
    try:
        same = named.is_absolute() and named.samefile(here)
    except OSError:
        same = False
    return {**environment, "PWD": str(named if same else here)}
