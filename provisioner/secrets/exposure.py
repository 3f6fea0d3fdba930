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
    tags = {line[:1] for line in _listed(folder, path.name).splitlines()}
    return "not ignored" if tags == {"?"} else "tracked" if tags else "safe"


def _listed(folder: Path, name: str) -> str:
    """What git lists of a file, with `?` before it where the file is neither tracked nor ignored.

    Empty for what is ignored, and where git could not be asked. A repository's own hooks are kept from running.
    """
    command = ["git", "-c", "core.fsmonitor=false", "--literal-pathspecs", "-C", str(folder), "ls-files", "-t",
               "--cached", "--others", "--exclude-standard", "--", name]  # fmt: skip
    silent = subprocess.DEVNULL
    try:
        finished = subprocess.run(command, check=False, stdin=silent, stdout=subprocess.PIPE, stderr=silent, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return finished.stdout.decode(errors="replace") if finished.returncode == 0 else ""
