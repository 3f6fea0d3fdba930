"""Runs `python -m provisioner` as a user would, without an engine and without the tester's own settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Nothing listens there: whatever needs an engine must say so.
NO_ENGINE = "unix:///nonexistent/docker.sock"


def provision(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """The finished `provision`, with its output as text."""
    return run_python("-m", "provisioner", *arguments, cwd=cwd, env=env, stdin=stdin)


def run_python(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """A finished Python process that can import the project."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**kept, "DOCKER_HOST": NO_ENGINE, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def write(folder: Path, name: str, text: str = "services: {a: {image: 'busybox:1.36'}}\n") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
