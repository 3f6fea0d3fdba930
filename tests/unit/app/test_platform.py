"""The mode is chosen in one place, and what differs between the modes is asked of the platform."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import provisioner.app
from provisioner.app.platform import OneOffs, ServiceActs, platform_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.platforms.choice import Mode

MODES = {"swarm", "containers"}
# What the file says, before any engine was asked: `engine.mode` may be `auto` there.
IN_A_FILE = {"secret_sync.py", "export.py", "doctor.py", "lint_plays.py", "wiring.py"}


def comparing(path: Path) -> Iterator[int]:
    """The lines on which something is compared with the name of a mode."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare):
            parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
            if any(isinstance(part, ast.Constant) and part.value in MODES for part in parts):
                yield node.lineno


def test_no_command_asks_for_the_mode() -> None:
    files = sorted(Path(next(iter(provisioner.app.__path__))).glob("*.py"))
    found = {path.name: list(comparing(path)) for path in files}
    assert {name for name, lines in found.items() if lines} == {"platform.py", *IN_A_FILE}
    assert len(found["platform.py"]) == 1


@pytest.mark.parametrize("mode", ["containers", "swarm"])
def test_what_a_mode_does_is_found_in_its_modules(mode: Mode) -> None:
    platform = platform_of(mode)
    assert platform.mode == mode
    for protocol, module in ((ServiceActs, platform.acts), (OneOffs, platform.one_offs)):
        named = {name for name in vars(protocol) if not name.startswith("_")} | set(protocol.__annotations__)
        assert named <= set(vars(module))
