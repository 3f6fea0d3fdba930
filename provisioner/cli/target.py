"""Which playbook a TARGET means. Looks for files through functions that it is given; reads nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ENDINGS = (".yml", ".yaml")
_FOLDERS = ("playbooks/", "")
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_DEFAULT = "local"
_ROOT_KEYS = ("name:", "services:", "include:", "extends:", "environment:")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The files that a TARGET, or its absence, comes to. `target` is empty where none was named or found by name."""

    files: tuple[str, ...]
    target: str
    in_playbooks: bool


def choose(
    target: str | None,
    default: str | None,
    *,
    directory: str,
    exists: Callable[[str], bool],
    known: Callable[[], Sequence[str]],
) -> Chosen:
    """The files of `target`, else of `default` (PROVISION_TARGET), else of `local`, else of the only playbook.

    `exists` tells whether a path is a file, `known` lists the names of the playbooks there are, `directory` is
    absolute. Raises UsageError, naming what is near, where nothing or too much fits.
    """
    named = target or default
    if named:
        found = find(named, exists)
        if found is None:
            raise UsageError(_not_found(named, known()))
        return Chosen((found,), named, lies_in_playbooks(found, directory))
    found = find(_DEFAULT, exists)
    if found:
        return Chosen((found,), _DEFAULT, lies_in_playbooks(found, directory))
    names = known()
    if len(names) == 1:
        only = find(names[0], exists)
        if only:
            return Chosen((only,), names[0], lies_in_playbooks(only, directory))
    compose = next((name for name in COMPOSE_FILES if exists(name)), None)
    if compose and not names:
        return Chosen(with_override(compose, exists), "", in_playbooks=False)
    if not names:
        raise UsageError(
            "there is no playbook here: neither playbooks/ nor a Compose file",
            hint="name one with -f FILE, go to its folder with -C DIR, or write playbooks/local.yml",
        )
    raise UsageError(
        f"which playbook? There are several: {', '.join(names)}", hint=f"name one: provision COMMAND {names[0]}"
    )


def with_override(compose: str, exists: Callable[[str], bool]) -> tuple[str, ...]:
    """A Compose file and, where there is one, the override beside it."""
    stem, _, ending = compose.partition(".")
    overrides = (f"{stem}.override.{ending}", f"{stem}.override.yml", f"{stem}.override.yaml")
    override = next((name for name in overrides if exists(name)), None)
    return (compose, override) if override else (compose,)


def find(target: str, exists: Callable[[str], bool]) -> str | None:
    """The file that a TARGET names: `telecom/dev` in `./playbooks/`, then in `./`, or a path to a file."""
    for folder in _FOLDERS:
        for ending in _ENDINGS:
            path = f"{folder}{target}{ending}"
            if exists(path):
                return path
    return target if exists(target) else None


def lies_in_playbooks(path: str, directory: str) -> bool:
    """Whether a file lies under a folder `playbooks/`, from wherever it is named."""
    # Links are not followed: the name that the user sees decides.
    return "playbooks" in Path(os.path.normpath(Path(directory, path))).parts[:-1]


def split_target(
    arguments: Sequence[str], *, files_named: bool, exists: Callable[[str], bool]
) -> tuple[str | None, tuple[str, ...]]:
    """`[TARGET] SERVICE...`: the first argument is the TARGET where it names a playbook, or could be nothing else."""
    if files_named or not arguments:
        return None, tuple(arguments)
    first = arguments[0]
    if "/" in first or first.endswith(_ENDINGS) or find(first, exists):
        return first, tuple(arguments[1:])
    return None, tuple(arguments)


def numbered(arguments: Sequence[str]) -> tuple[str | None, int | None]:
    """`[TARGET] [N]` taken apart; UsageError for anything else."""
    rest = list(arguments)
    number = int(rest.pop()) if rest and rest[-1].isascii() and rest[-1].isdigit() else None
    if len(rest) > 1:
        raise UsageError(f"'{rest[1]}' is not the number of a revision", hint="provision history lists them")
    return (rest[0] if rest else None), number


def playbooks(directory: str) -> tuple[str, ...]:
    """The names of the playbooks under `directory`: `playbooks/*.yml`, `playbooks/*/*.yml`; in order.

    Files that do not look like a playbook, and `base` files, which are there to be extended, are left out.
    """
    root = Path(directory, "playbooks")
    try:
        files = [file for file in (*root.glob("*.y*ml"), *root.glob("*/*.y*ml")) if _is_playbook(file)]
    except OSError:
        return ()
    return tuple(sorted({file.relative_to(root).with_suffix("").as_posix() for file in files}))


def _is_playbook(file: Path) -> bool:
    if file.suffix not in _ENDINGS or file.stem == "base" or file.name.startswith(".") or not file.is_file():
        return False
    try:
        with file.open(encoding="utf-8", errors="replace") as text:
            return any(line.startswith(_ROOT_KEYS) for line in text.read(1 << 20).splitlines())
    except OSError:
        return False


def _not_found(target: str, names: Sequence[str]) -> str:
    import difflib

    inside = [name for name in names if name.startswith(f"{target.rstrip('/')}/")]
    near = inside or difflib.get_close_matches(target, names, n=3, cutoff=0.5)
    looked = f"no playbook '{target}': looked for playbooks/{target}.yml, {target}.yml and {target}"
    if near:
        return f"{looked}\ndid you mean {' or '.join(near)}?"
    return f"{looked}\nthere are: {', '.join(names)}" if names else looked
