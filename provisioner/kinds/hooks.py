"""A container's `post_start` and `pre_stop`, commands that provision runs in it, and `pre_start`, those before it.

No engine has them, so they are recorded on the container: what is run before it stops is what it was made with.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from provisioner.kinds import values
from provisioner.kinds.ownership import add_to_label

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import Hook

POST_START, PRE_STOP, PRE_START = "post_start", "pre_stop", "pre_start"
HOOKS = (POST_START, PRE_STOP, PRE_START)
HOOKS_LABEL = "provisioner.hooks"


def parse(body: ComposeBody, key: str) -> list[Hook]:
    """The hooks of a canonical body: command, and user, folder, variables, privileges where they are given."""
    return [_parse(hook) for hook in body.get(key) or []]


def _parse(hook: EngineBody) -> Hook:
    options = {
        "user": hook.get("user"),
        "working_dir": hook.get("working_dir"),
        "privileged": hook.get("privileged"),
        "environment": values.pairs(hook.get("environment"), "="),
        "image": hook.get("image"),
        "per_replica": hook.get("per_replica"),
    }
    given = {key: value for key, value in options.items() if value}
    return cast("Hook", {"command": list(hook.get("command") or []), **given})


def encode(key: str, raw: EngineBody, hooks: list[Hook]) -> None:
    """Keep the hooks on the container, in a label."""
    add_to_label(raw["Config"]["Labels"], HOOKS_LABEL, key, hooks)


def decode(raw: EngineBody, key: str) -> list[Hook]:
    """The hooks that a container keeps."""
    hooks = json.loads((raw["Config"].get("Labels") or {}).get(HOOKS_LABEL, "{}"))
    # One without a command runs nothing; it may stand on a container from before files were refused it.
    return [hook for hook in hooks.get(key, []) if hook["command"] or key == PRE_START]
