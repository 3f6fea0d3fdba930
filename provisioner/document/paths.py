"""Paths as text. They are joined and cleaned the way Compose does it, and never follow links."""

from __future__ import annotations

from pathlib import Path


def clean(path: str) -> str:
    """A path without '.', '..', doubled and trailing slashes."""
    absolute = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not absolute:
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts) or "."


def join(folder: str, path: str) -> str:
    """`path` below `folder`, clean; an absolute path only cleaned."""
    return clean(path if path.startswith("/") else f"{folder}/{path}")


def file_target(kind: str, target: str) -> str:
    """The target of a config's or secret's file (`kind` configs or secrets) as a clean absolute path.

    One that is relative starts at /run/secrets for secrets and at / for configs, as in Compose and on a Swarm.
    """
    return join("/run/secrets" if kind == "secrets" else "/", target)


def parent(path: str) -> str:
    """The folder that `path` lies in."""
    return path.rpartition("/")[0] or "/"


def is_remote(path: str) -> bool:
    """Whether `path` is an address of something elsewhere."""
    return "://" in path or path.startswith("git@")


def here() -> str:
    """The working directory."""
    return str(Path.cwd())


def is_file(path: str) -> bool:
    """Whether there is a file; no where the path can not be one: too long, or below what can not be entered."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def exists(path: str) -> bool:
    """Whether there is anything; no where the path can not be one."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def project_root(folder: str) -> tuple[str, ...]:
    """The folder itself, and that of the git repository which it lies in, if it does."""
    above = (Path(folder), *Path(folder).parents)
    return (folder, *(str(path) for path in above if (path / ".git").exists()))
