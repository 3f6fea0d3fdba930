"""The seccomp profiles that services name: files beside the playbook, read here and sent to the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.document.regular_file import read_regular
from provisioner.errors import PlaybookInvalid
from provisioner.kinds.seccomp import canonical, profile_file
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from provisioner.model.playbook import Playbook


def seccomp_profiles(playbook: Playbook) -> dict[str, str]:
    """The canonical JSON of every profile by its path as it is written; relative ones lie beside the playbook.

    PlaybookInvalid for those that can not be read, or are none.
    """
    profiles: dict[str, str] = {}
    problems: list[Problem] = []
    for name, service in playbook.services.items():
        options = service.body.get("security_opt")
        for index, option in enumerate(options.items if options is not None and options.is_sequence else ()):
            path = profile_file(str(option.value))
            if path is None or path in profiles:
                continue
            where = f"services.{name}.security_opt.{index}"
            try:
                profiles[path] = canonical(read_regular(Path(playbook.directory) / path).decode())
            except OSError as error:
                text = f"the seccomp profile {path} can not be read: {error.strerror}"
                hint = f"its path is relative to {playbook.directory}; or say seccomp=unconfined or seccomp=builtin"
                problems.append(Problem(text, option.span, where, hint))
            except ValueError as error:
                at = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
                text = f"the seccomp profile {path} can not be used: {at}"
                problems.append(Problem(text, option.span, where, "a profile is a JSON object"))
    if problems:
        raise PlaybookInvalid(problems)
    return profiles
