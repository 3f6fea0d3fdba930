"""The contents of configs, and the version that each one is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.document.regular_file import read_regular
from provisioner.errors import PlaybookInvalid
from provisioner.model.span import Problem
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook


def content_version(data: bytes) -> str:
    """The version of a config's content."""
    return hashlib.sha256(data).hexdigest()[:16]


def config_contents(request: Request, playbook: Playbook, platform: Platform) -> dict[str, bytes]:
    """The bytes of every declared config. PlaybookInvalid for those that can not be read."""
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for key, declared in playbook.configs.items():
        body = plain_body(declared.body)
        if declared.external and platform.keeps_files:
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
            value = {**playbook.in_reach, **request.shell, **request.overrides}.get(str(body["environment"]))
            if value is None:
                text = f"the variable {body['environment']} is not set"
                problems.append(Problem(text, declared.body.span, f"configs.{key}.environment", "set it"))
            else:
                contents[key] = value.encode()
        elif body.get("file"):
            try:
                contents[key] = read_regular(Path(str(body["file"])))
            except OSError as error:
                text = f"{body['file']} can not be read: {error.strerror}"
                problems.append(Problem(text, declared.body.span, f"configs.{key}.file", "check the path"))
    sizes = platform.config_sizes
    for key, content in contents.items():
        if sizes is not None and len(content) not in sizes:
            text = f"it has {len(content)} bytes, and a config on Swarm has {sizes.start} to {sizes.stop - 1}"
            hint = "leave an empty one out; put large files into the image or a volume"
            problems.append(Problem(text, playbook.configs[key].body.span, f"configs.{key}", hint))
    if problems:
        raise PlaybookInvalid(problems)
    return contents
