"""Whether git would carry a file with secrets away. Asks git; without git or a repository there is nothing to say."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Exposure = Literal["tracked", "not ignored", "safe"]


def exposure(path: Path) -> Exposure:
    """`tracked` when git has the file, `not ignored` when the next `git add` would take it."""
    folder = path.absolute().parent
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return "safe"
    if _git(folder, "ls-files", "--error-unmatch", "--", path.name) == 0:
        return "tracked"
    return "not ignored" if _git(folder, "check-ignore", "--quiet", "--", path.name) == 1 else "safe"


def _git(folder: Path, *arguments: str) -> int | None:
    """Git's exit code, or None where it could not be asked. A repository's own hooks are kept from running."""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    silent = subprocess.DEVNULL
    try:
        finished = subprocess.run(command, check=False, stdin=silent, stdout=silent, stderr=silent, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return finished.returncode
