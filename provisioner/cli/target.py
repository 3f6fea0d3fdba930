"""Which playbook a TARGET means. Looks for files through functions that it is given; reads nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ENDINGS = (".yml", ".yaml")
_FOLDERS = ("playbooks/", "")
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES = (
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip
_DEFAULT = "local"
# Of a TARGET that is repeated in a message.
_LONGEST = 200
_PLAY_KEY = "import_playbook:"
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
    known: Callable[[str], Sequence[str]],
    start: str = "",
) -> Chosen:
    """The files of `target`, else of `default` (PROVISION_TARGET), else of what a folder has by itself.

    A folder has `local`, else its only playbook, else a Compose file. Where the folder `start` (relative to
    `directory`, which is absolute) has none, the folders above it are searched. `exists` tells whether a path is a
    file, `known` lists the names of the playbooks below a folder. Raises UsageError, naming what is near, where
    nothing or too much fits.
    """
    named = target or default
    if named:
        path = find(named, exists) or _find_above(named, directory, exists)
        if path is None:
            raise UsageError(_not_found(named, known("")))
        return Chosen((path,), named, lies_in_playbooks(path, directory))
    prefix = f"{start.rstrip('/')}/" if start else ""
    for folder in (prefix, *_above(directory, prefix)):
        chosen = _default_of(folder, directory, exists, known(folder))
        if chosen is not None:
            return chosen
    raise UsageError(
        "there is no playbook here or in the folders above: neither playbooks/ nor a Compose file",
        hint="name one with -f FILE, go to its folder with -C DIR, or begin one with: provision init",
    )


def _default_of(folder: str, directory: str, exists: Callable[[str], bool], names: Sequence[str]) -> Chosen | None:
    """What a folder (a prefix of paths: empty or with a slash at its end) has where nothing is named; or None."""
    for name in (_DEFAULT, *(names if len(names) == 1 else ())):
        path = find(name, exists, folder)
        if path:
            return Chosen((path,), name, lies_in_playbooks(path, directory))
    if len(names) > 1:
        raise UsageError(
            f"which playbook? There are several: {', '.join(names)}", hint=f"name one: provision COMMAND {names[0]}"
        )
    compose = next((name for name in COMPOSE_FILES if exists(folder + name)), None)
    if compose is None or names:
        return None
    return Chosen(with_override(folder + compose, exists), "", in_playbooks=False)


def _above(directory: str, prefix: str) -> Iterator[str]:
    """The folders above `directory`/`prefix`, the nearest first, as prefixes of paths from `directory`."""
    for parent in Path(os.path.normpath(Path(directory, prefix))).parents:
        relative = os.path.relpath(parent, directory)
        yield "" if relative == "." else f"{relative}/"


def _find_above(target: str, directory: str, exists: Callable[[str], bool]) -> str | None:
    """The playbook `target` in a folder `playbooks/` above. A path to a file is meant from here only."""
    if target.startswith("/") or ".." in target.split("/"):
        return None
    paths = (f"{folder}playbooks/{target}{ending}" for folder in _above(directory, "") for ending in _ENDINGS)
    return next((path for path in paths if exists(path)), None)


def with_override(compose: str, exists: Callable[[str], bool]) -> tuple[str, ...]:
    """A Compose file and, where there is one, the override beside it; of several the one that Compose takes."""
    folder = compose[: compose.rfind("/") + 1]
    override = next((name for name in _OVERRIDES if exists(folder + name)), None)
    return (compose, folder + override) if override else (compose,)


def find(target: str, exists: Callable[[str], bool], folder: str = "") -> str | None:
    """The file that a TARGET names: `telecom/dev` in `./playbooks/`, then in `./`, or a path to a file.

    `folder` is a prefix of another folder than `./`, where only `playbooks/` is looked at unless it is below.
    """
    for inside in _FOLDERS if not folder.startswith("..") else _FOLDERS[:1]:
        for ending in _ENDINGS:
            path = f"{folder}{inside}{target}{ending}"
            if exists(path):
                return path
    return target if not folder and exists(target) else None


def lies_in_playbooks(path: str, directory: str) -> bool:
    """Whether a file lies under a folder `playbooks/`, from wherever it is named."""
    # Links are not followed: the name that the user sees decides.
    return "playbooks" in Path(os.path.normpath(Path(directory, path))).parts[:-1]


def split_target(
    arguments: Sequence[str], *, files_named: bool, directory: str, exists: Callable[[str], bool]
) -> tuple[str | None, tuple[str, ...]]:
    """`[TARGET] SERVICE...`: the first argument is the TARGET where it names a playbook, or could be nothing else."""
    if files_named or not arguments:
        return None, tuple(arguments)
    first = arguments[0]
    if "/" in first or first.endswith(_ENDINGS) or find(first, exists) or _find_above(first, directory, exists):
        return first, tuple(arguments[1:])
    return None, tuple(arguments)


def numbered(arguments: Sequence[str]) -> tuple[str | None, int | None]:
    """`[TARGET] [N]` taken apart; UsageError for anything else."""
    rest = list(arguments)
    number = int(rest.pop()) if rest and rest[-1].isascii() and rest[-1].isdigit() else None
    if len(rest) > 1:
        raise UsageError(f"'{rest[1]}' is not the number of a revision", hint="provision history lists them")
    return (rest[0] if rest else None), number


def two_numbers(arguments: Sequence[str]) -> tuple[str | None, int, int | None]:
    """`[TARGET] N [M]` taken apart; UsageError for anything else."""
    rest = list(arguments)
    numbers: list[int] = []
    while rest and rest[-1].isascii() and rest[-1].isdigit() and len(numbers) < 2:
        numbers.insert(0, int(rest.pop()))
    if not numbers or len(rest) > 1:
        raise UsageError(
            "expected the numbers of two revisions: diff [TARGET] N [M]", hint="provision history lists them"
        )
    return (rest[0] if rest else None), numbers[0], numbers[1] if len(numbers) > 1 else None


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
            lines = text.read(1 << 20).splitlines()
    except OSError:
        return False
    return any(line.startswith(_ROOT_KEYS) or line.lstrip("- ").startswith(_PLAY_KEY) for line in lines)


def _not_found(target: str, names: Sequence[str]) -> str:
    import difflib

    inside = [name for name in names if name.startswith(f"{target.rstrip('/')}/")]
    near = inside or difflib.get_close_matches(target, names, n=3, cutoff=0.5)
    if len(target) > _LONGEST:
        return f"no playbook '{target[:_LONGEST]}…': {len(target)} letters are no name of a playbook"
    looked = f"no playbook '{target}': looked for playbooks/{target}.yml, {target}.yml and {target}"
    if near:
        return f"{looked}\ndid you mean {' or '.join(near)}?"
    return f"{looked}\nthere are: {', '.join(names)}" if names else looked
