"""A page's terminal sessions, run as they are written.

A fence ```` ```yaml NAME ```` is a file of that name. A fence ```` ```console ```` holds commands behind `$ ` and what
they print. A comment `<!-- run: COMMAND -->` is a command that no reader is to type, and prints nothing. In the output,
`…` stands for any text, alone on a line for any lines; times and white space may differ.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.pages import PROJECT, fences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# What the runbooks are run in.
EXAMPLE = PROJECT / "docs" / "example"

_PROMPT = "$ "
_UNSEEN = re.compile(r"<!-- run: (.+) -->")
_TIME = re.compile(r"\b\d+(?:\.\d+)?(?:ms|s|m|h)(?: \d+(?:ms|s|m|h))*\b")
_ENGINE = re.compile(r"→ \S+ \(engine [^)]*\)")


@dataclass(frozen=True)
class File:
    """A file that the page shows whole."""

    name: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """One command, what it is said to print, and the number of its line."""

    text: str
    expected: str
    line: int


def steps(page: Path) -> list[File | Command]:
    """What a reader of the page does, in its order, and what has to happen in between."""
    lines = enumerate(page.read_text(encoding="utf-8").split("\n"), start=1)
    unseen = [Command(found[1], "", number) for number, line in lines if (found := _UNSEEN.fullmatch(line))]
    return sorted([*_steps(page), *unseen], key=lambda step: step.line)


def _steps(page: Path) -> Iterator[File | Command]:
    for fence in fences(page):
        if fence.language == "console":
            yield from _commands(fence.text, fence.line + 1)
        elif fence.title:
            yield File(fence.title, fence.text + "\n", fence.line)


def _commands(text: str, first: int) -> Iterator[Command]:
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith(_PROMPT)]
    assert starts and starts[0] == 0, f"line {first}: a session begins with a command behind '{_PROMPT}'"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        body = lines[start + 1 : end]
        command = lines[start].removeprefix(_PROMPT)
        while command.endswith("\\"):
            command = f"{command}\n{body.pop(0)}"
        yield Command(command, "\n".join(body).strip("\n"), first + start)


@dataclass(frozen=True)
class Session:
    """Runs steps in a folder. `names` maps words of the page to the words that are used instead, such as a port."""

    folder: Path
    names: Mapping[str, str]
    surroundings: Mapping[str, str]

    def write(self, file: File) -> None:
        path = self.folder / self.translate(file.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.translate(file.text), encoding="utf-8")

    def run(self, command: Command) -> str:
        """What the command prints, on both streams as a terminal shows them."""
        done = subprocess.run(
            ["bash", "-c", self.translate(command.text)], cwd=self.folder, env=dict(self.surroundings), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180, check=False,
        )  # fmt: skip
        return done.stdout.strip("\n")

    def translate(self, text: str) -> str:
        """The page's words replaced by those of this run, where they stand as words of their own."""
        for word, replacement in self.names.items():
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", replacement, text)
        return text

    def difference(self, command: Command, printed: str) -> str | None:
        """None when the command printed what the page says; otherwise both, for a person to compare."""
        expected = self.translate(command.expected)
        if re.fullmatch(pattern(expected), normal(printed) + "\n"):
            return None
        return f"line {command.line}: $ {command.text}\n--- the page says\n{expected}\n--- it prints\n{printed}"


def pattern(expected: str) -> str:
    """A regular expression for normal text that ends with a line break and fits what the page shows."""
    lines = (re.escape(line).replace("…", r"[^\n]*?") for line in normal(expected).split("\n"))
    return "".join(r"(?:[^\n]*\n)*?" if line == r"[^\n]*?" else line + r"\n" for line in lines)


def normal(text: str) -> str:
    """Text without what may differ from run to run: times, the engine's name and version, widths of columns."""
    lines = (_ENGINE.sub("→ ENGINE", _TIME.sub("#", line)) for line in text.split("\n"))
    return "\n".join(re.sub(r"─+", "─", re.sub(r"\s+", " ", line).strip()) for line in lines)


def follow(page: Path, session: Session, tell: Callable[[str], None] = lambda text: None) -> list[str]:
    """Do all that a page says; the differences between what it says and what happens."""
    wrong: list[str] = []
    if page.parent.name == "runbooks":
        for path in EXAMPLE.rglob("*.yml"):
            session.write(File(path.relative_to(EXAMPLE).as_posix(), path.read_text(encoding="utf-8"), 0))
    for step in steps(page):
        if isinstance(step, File):
            session.write(step)
            continue
        printed = session.run(step)
        tell(f"$ {step.text}\n{printed}\n")
        difference = session.difference(step, printed)
        if difference:
            wrong.append(difference)
    return wrong


def surroundings(engine: str) -> dict[str, str]:
    """The environment of a reader: `provision` on the path, no settings of it, no colours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PROVISION")}
    commands = Path(sys.executable).parent
    return {
        **kept,
        "PATH": f"{commands}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "DOCKER_HOST": engine,
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }


if __name__ == "__main__":
    # `python -m tests.docs.session PAGE FOLDER [WORD=REPLACEMENT...]` prints what the page's commands print.
    target = Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    names = dict(argument.split("=", 1) for argument in sys.argv[3:])
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    for each in follow(Path(sys.argv[1]), Session(target, names, surroundings(host)), tell=print):
        print("DIFFERENT", each)
