"""The contents of configs, and the version that each one is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import PlaybookInvalid
from provisioner.kinds.swarm_file import LARGEST_CONFIG
from provisioner.model.span import Problem
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook
    from provisioner.platforms.choice import Mode


def content_version(data: bytes) -> str:
    """The version of a config's content."""
    return hashlib.sha256(data).hexdigest()[:16]


def config_contents(request: Request, playbook: Playbook, mode: Mode) -> dict[str, bytes]:
    """The bytes of every declared config. PlaybookInvalid for those that can not be read."""
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for key, declared in playbook.configs.items():
        body = plain_body(declared.body)
        if declared.external and mode == "swarm":
            continue
        if declared.external:
            problems.append(
                Problem(
                    "external configs are Swarm's; a plain engine has none",
                    declared.body.span,
                    f"configs.{key}",
                    "give its `file` or `content`",
                )
            )
        elif body.get("content") is not None:
            contents[key] = str(body["content"]).encode()
        elif body.get("environment"):
            value = {**request.shell, **request.overrides}.get(str(body["environment"]))
            if value is None:
                text = f"the variable {body['environment']} is not set"
                problems.append(Problem(text, declared.body.span, f"configs.{key}.environment", "set it"))
            else:
                contents[key] = value.encode()
        elif body.get("file"):
            try:
                contents[key] = Path(str(body["file"])).read_bytes()
            except OSError as error:
                text = f"{body['file']} can not be read: {error.strerror}"
                problems.append(Problem(text, declared.body.span, f"configs.{key}.file", "check the path"))
    for key, content in contents.items() if mode == "swarm" else ():
        if not 1 <= len(content) <= LARGEST_CONFIG:
            text = f"it has {len(content)} bytes, and a config on Swarm has 1 to {LARGEST_CONFIG}"
            hint = "leave an empty one out; put large files into the image or a volume"
            problems.append(Problem(text, playbook.configs[key].body.span, f"configs.{key}", hint))
    if problems:
        raise PlaybookInvalid(problems)
    return contents
