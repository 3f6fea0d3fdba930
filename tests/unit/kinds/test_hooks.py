"""Hooks on a container: what runs nothing is not run."""

from __future__ import annotations

import json

from provisioner.kinds.hooks import HOOKS, HOOKS_LABEL, decode


def test_a_hook_without_a_command_is_none_but_before_the_start() -> None:
    empty, full = {"command": []}, {"command": ["touch", "/ready"]}
    label = json.dumps({key: [empty, full] for key in HOOKS})
    raw = {"Config": {"Labels": {HOOKS_LABEL: label}}}
    assert decode(raw, "post_start") == [full]
    assert decode(raw, "pre_stop") == [full]
    assert decode(raw, "pre_start") == [empty, full]
