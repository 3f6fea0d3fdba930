"""What `develop.watch` looks at: rules, the files that they mean, and what changed among those since the last look."""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
from dataclasses import field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.document.secret_files import identities, is_secret_path
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provisioner.document.secret_files import Identity
    from provisioner.model.playbook import Playbook

# What editors and version control write beside the files that are meant.
_NEVER = (".git", ".hg", ".svn", "**/*~", "**/.#*", "**/#*#", "**/.*.sw?", "**/4913", "**/.DS_Store", "**/__pycache__")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a service's `develop.watch`. `path` is absolute, `target` a path in the container.

    `command` is what sync+exec runs, with `options` as the engine's execute takes them. Files in which provision keeps
    secrets are never looked at, under their own names or under another name of one of `secret_files`.
    """

    service: str
    path: str
    action: str
    target: str = ""
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    initial_sync: bool = False
    command: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    secret_files: frozenset[Identity] = frozenset()

    @property
    def syncs(self) -> bool:
        return self.action.startswith("sync")


# A file's path below the rule's, '' for the path itself, and what tells that it is another one now.
Snapshot = dict[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Paths below the rule's, in order."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


def rules(playbook: Playbook, services: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules of the named services, or of all, in the order of the playbook."""
    wanted = set(services) or set(playbook.services)
    in_order = []
    for service in playbook.services.values():
        develop = service.body.get("develop")
        entries: Any = develop.plain() if develop is not None else None
        for entry in (entries or {}).get("watch") or () if service.name in wanted else ():
            rule = _rule(service.name, entry, _ignored_by_builds(service.body.plain()))
            in_order.append(replace(rule, secret_files=identities([playbook.directory, rule.path])))
    return tuple(in_order)


def look(rule: Rule) -> Snapshot:
    """Every file that the rule means, as it is now; none where its path is missing."""
    root = Path(rule.path)
    if root.is_dir():
        return dict(_walk(rule, rule.path, ""))
    stamp = _stamp(rule.path)
    return {"": stamp} if stamp else {}


def compare(before: Snapshot, after: Snapshot) -> Difference:
    """What is new or another one, and what is gone."""
    changed = tuple(sorted(path for path, stamp in after.items() if before.get(path) != stamp))
    return Difference(changed, tuple(sorted(before.keys() - after.keys())))


def inside(rule: Rule, path: str) -> str:
    """Where a file of the rule lies in the container."""
    target = rule.target.rstrip("/") or "/"
    return f"{target.rstrip('/')}/{path}" if path else target


def archive(rule: Rule, paths: Iterable[str]) -> bytes:
    """A tar to be unpacked at '/' with the files at `paths`; those that are gone meanwhile are left out."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in paths:
            source = Path(rule.path, path)
            try:
                # Two names of one file are two files in the container.
                tar.inodes = {}  # type: ignore[attr-defined]
                info = tar.gettarinfo(source, arcname=inside(rule, path).lstrip("/"))
                info.uid = info.gid = 0
                info.uname = info.gname = ""
                if info.isreg():
                    with source.open("rb") as file:
                        # It may be growing just now: what the archive promised is what it gets, the next look tells.
                        content = file.read(info.size)
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
                else:
                    tar.addfile(info)
            except OSError:
                continue
    return buffer.getvalue()


def matches(patterns: Iterable[str], path: str) -> bool:
    """Whether a path, or a folder that it lies in, fits patterns as .dockerignore has them; the last one decides."""
    is_match = False
    for text in patterns:
        negated, pattern = text.startswith("!"), text.lstrip("!").strip().strip("/")
        pattern = pattern.removeprefix("./")
        if pattern and _pattern(pattern).match(path):
            is_match = not negated
    return is_match


def _rule(service: str, entry: dict[str, Any], builds: tuple[str, tuple[str, ...]]) -> Rule:
    context, patterns = builds
    path = str(entry["path"])
    ignore = tuple(entry.get("ignore") or ())
    if context and (path == context or path.startswith(f"{context}/")):
        below = os.path.relpath(path, context)
        ignore += tuple(f"{sign}{part}" for sign, part in _seen_from(below, patterns))
    hook = entry.get("exec") or {}
    environment = {key: value for key, value in (hook.get("environment") or {}).items() if value is not None}
    options = {
        "user": hook.get("user") or "",
        "environment": environment,
        "workdir": hook.get("working_dir"),
        "privileged": bool(hook.get("privileged")),
    }
    return Rule(
        service, path, str(entry["action"]), str(entry.get("target") or ""), (*_NEVER, *ignore),
        tuple(entry.get("include") or ()), bool(entry.get("initial_sync")), tuple(hook.get("command") or ()), options,
    )  # fmt: skip


def _ignored_by_builds(service: Any) -> tuple[str, tuple[str, ...]]:
    """The build's context and what its .dockerignore leaves out: what no image has, no container gets."""
    build = service.get("build")
    context = build.get("context") if isinstance(build, dict) else None
    if not isinstance(context, str) or not context.startswith("/"):
        return "", ()
    try:
        lines = Path(context, ".dockerignore").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return context, ()
    return context, tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _seen_from(below: str, patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Patterns of a folder as they are for one of the folders in it."""
    for text in patterns:
        sign, pattern = ("!", text[1:]) if text.startswith("!") else ("", text)
        pattern = pattern.strip("/")
        if below == "." or pattern.startswith("**/"):
            yield sign, pattern
        elif pattern.startswith(f"{below}/"):
            yield sign, pattern.removeprefix(f"{below}/")


def _walk(rule: Rule, folder: str, below: str) -> Iterator[tuple[str, tuple[int, int, int]]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        if matches(rule.ignore, path) or _is_secret(rule, entry, path):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(rule, entry.path, path)
        elif not rule.include or matches(rule.include, path):
            stamp = _stamp(entry.path)
            if stamp:
                yield path, stamp


def _is_secret(rule: Rule, entry: os.DirEntry[str], path: str) -> bool:
    if is_secret_path(path):
        return True
    try:
        status = entry.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) in rule.secret_files


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return None
    return status.st_mtime_ns, status.st_size, status.st_mode


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """`*` and `?` stay within a name, `**` is any number of folders; what lies in a folder that fits, fits too."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", text)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(known.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts)
    return re.compile(rf"{body}(?:/.*)?\Z", re.DOTALL)
