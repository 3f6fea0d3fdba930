"""The git commit of a playbook's folder, for the record of what was applied. One process, which changes nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

_SECONDS = 5.0
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_FORM = re.compile(r"[0-9a-f]{40,64}(-dirty)?")


def git_commit(directory: str) -> str:
    """The full hash, with `-dirty` where tracked files were changed; empty without git or outside of a checkout."""
    if not any((folder / ".git").exists() for folder in (Path(directory), *Path(directory).parents)):
        return ""
    import subprocess

    # No hook of the checkout is run, and no lock of it is taken.
    command = ["git", "-c", "core.fsmonitor=false", "describe", "--always", "--dirty", "--abbrev=64", "--exclude=*"]
    # In a hook these name another checkout.
    kept = {key: value for key, value in os.environ.items() if key not in _ELSEWHERE}
    try:
        done = subprocess.run(
            command, cwd=directory, env={**kept, "GIT_OPTIONAL_LOCKS": "0"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    commit = done.stdout.strip()
    return commit if done.returncode == 0 and _FORM.fullmatch(commit) else ""
