"""Holds Compose files against an installed Docker Compose: does `provision config` print the same document?

    python tests/conformance/against_compose.py --compose /usr/libexec/docker/cli-plugins/docker-compose FOLDER…

A FOLDER is searched for Compose files; a file may be named as well. Both tools run in the folder of the file, with the
same environment. A file whose first line is `# arguments: …` is read with these arguments as well.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FILES = re.compile(r"(.*[-._])?(compose|stack)([-._].*)?\.ya?ml")
_VARIABLE = re.compile(r"(?<!\$)\$(?:\{([A-Za-z_]\w*)|([A-Za-z_]\w*))")
_EQUAL, _REFUSED, _DIFFERENT = "equal", "both refuse", "DIFFERENT"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tool made of a file: its document, or why there is none."""

    document: Any
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    file: Path
    word: str
    lines: tuple[str, ...]
    seconds: float


def compose_files(names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        if path.is_dir():
            yield from sorted(item for item in path.rglob("*.y*ml") if _FILES.fullmatch(item.name))
        else:
            yield path


def variables(file: Path) -> Mapping[str, str]:
    """A value for every variable that the file names; a number fits in most places."""
    text = file.read_text(errors="replace")
    names = sorted({first or second for first, second in _VARIABLE.findall(text)})
    return {name: str(8100 + index) for index, name in enumerate(names)}


def outcome(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Outcome:
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        return Outcome(None, done.stderr.strip(), seconds)
    return Outcome(json.loads(done.stdout), done.stderr.strip(), seconds)


def differences(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Each place where two documents differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            here = f"{path}.{key}" if path else key
            if key not in ours:
                yield f"{here}: missing here, Compose has {_short(theirs[key])}"
            elif key not in theirs:
                yield f"{here}: {_short(ours[key])} here, not in Compose"
            else:
                yield from differences(theirs[key], ours[key], here)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (left, right) in enumerate(zip(theirs, ours, strict=True)):
            yield from differences(left, right, f"{path}[{index}]")
    elif theirs != ours or type(theirs) is not type(ours):
        yield f"{path}: {_short(ours)} here, Compose has {_short(theirs)}"


def compare(file: Path, compose: Sequence[str], provision: Sequence[str], *, filled: bool) -> Verdict:
    first = file.open(errors="replace").readline()
    extra = shlex.split(first.removeprefix("# arguments:")) if first.startswith("# arguments:") else []
    before = ["-f", file.name, *extra]
    environment = {**os.environ, **(variables(file) if filled else {}), "PWD": str(file.parent.absolute())}
    theirs = outcome([*compose, *before, "config", "--format", "json"], file.parent, environment)
    ours = outcome([*provision, *before, "config", "--format", "json"], file.parent, environment)
    if theirs.document is None and ours.document is None:
        word = _REFUSED
        lines = [f"Compose: {_last(theirs.message)}", f"here: {_first(ours.message)}"]
    elif theirs.document is None:
        word, lines = _DIFFERENT, [f"only Compose refuses: {_last(theirs.message)}"]
    elif ours.document is None:
        word, lines = _DIFFERENT, [f"only refused here: {_first(ours.message)}"]
    else:
        lines = list(differences(theirs.document, ours.document))
        word = _DIFFERENT if lines else _EQUAL
    if "Traceback" in ours.message:
        word, lines = _DIFFERENT, [ours.message]
    return Verdict(file, word, tuple(lines), ours.seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="FOLDER")
    parser.add_argument("--compose", default="docker compose", help="the command of Compose")
    parser.add_argument("--provision", default="provision", help="the command held against it")
    parser.add_argument("--fill", action="store_true", help="give every variable that a file names a value")
    parser.add_argument("--slow", type=float, default=1.0, help="tell files that take longer, in seconds")
    asked = parser.parse_args()
    compose, provision = shlex.split(asked.compose), shlex.split(asked.provision)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(
            pool.map(lambda file: compare(file, compose, provision, filled=asked.fill), compose_files(asked.names))
        )
    for verdict in verdicts:
        slow = f" ({verdict.seconds:.2f} s)" if verdict.seconds > asked.slow else ""
        if verdict.word != _EQUAL or slow:
            print(f"{verdict.word}{slow}: {verdict.file}")
            for line in verdict.lines:
                print(f"    {line}")
    counts = {word: sum(item.word == word for item in verdicts) for word in (_EQUAL, _REFUSED, _DIFFERENT)}
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts[_DIFFERENT] else 0


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "…"


def _first(text: str) -> str:
    found = [line for line in text.splitlines() if "error" in line.lower()]
    return " | ".join(found[:3]) if found else text[:300]


def _last(text: str) -> str:
    return text.splitlines()[-1] if text else ""


if __name__ == "__main__":
    sys.exit(main())
