"""Draw a terminal session as an SVG, from what real commands print:

    python docs/picture.py OUT.svg FOLDER COMMAND... [--replace TEXT=TEXT]... [--during TEXT] [--columns N]

Each command runs in FOLDER, in a terminal of its own of 112 columns, or of so many. `--replace` changes names in what
it printed. Of a command that prints the TEXT of `--during` the screen just before that is drawn too, with what moved
on it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from html import escape
from pathlib import Path

COLUMNS, LINE, CHARACTER, MARGIN = 112, 19, 8.4, 18
COLORS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#76e3ea"}
DIM, BRIGHT, PLAIN, BACKGROUND = "#8b949e", "#ffffff", "#d0d7de", "#0d1117"

BLANK = "\u00a0"

# The beginning of a new picture of what moves, and how many of the last lines follow one that was drawn before.
_AGAIN = re.compile(r"\x1b\[\d+A\x1b\[J")
_LAST_LINES = 6

_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r)|(\n)")

# A cell is a character and its codes; a screen is lines of cells.
Cell = tuple[str, tuple[str, ...]]


def recorded(command: str, folder: Path, columns: int) -> str:
    """What a command writes to a terminal, codes and all."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    surroundings = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, stdin=writer, stdout=writer, stderr=writer,
        env={**surroundings, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(writer)
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(reader, 65536)
        except OSError:  # the last writer is gone
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    return b"".join(parts).decode()


def screen(text: str, columns: int) -> list[list[Cell]]:
    """The lines that a terminal shows after all of the text, moved cursors and erased lines among it."""
    lines: list[list[Cell]] = [[]]
    row = column = end = 0
    codes: tuple[str, ...] = ()
    for match in _CONTROL.finditer(text):
        row, column = _write(lines, row, column, text[end : match.start()], codes, columns)
        end = match.end()
        value, what, back, down = match.groups()
        if back:
            column = 0
        elif down:
            row, column = row + 1, 0
            if row == len(lines):
                lines.append([])
        elif what == "m":
            codes = () if value in ("", "0") else (*codes, *value.split(";"))
        elif what in ("A", "F"):
            row = max(0, row - int(value or 1))
            column = 0 if what == "F" else column
        elif what == "K":
            del lines[row][0 if value == "2" else column :]
        elif what == "J":
            del lines[row][column:], lines[row + 1 :]
    _write(lines, row, column, text[end:], codes, columns)
    return lines


def moments(text: str, during: str, columns: int) -> list[list[Cell]]:
    """The lines of the screen just before `during` was printed, and the last lines of all; else all lines."""
    place = text.find(during) if during else -1
    before = [match.start() for match in _AGAIN.finditer(text[: max(place, 0)])]
    whole = screen(text.rstrip(), columns)
    if not before:
        return whole
    gap: list[Cell] = [(character, ("2",)) for character in "…"]
    return [*screen(text[: before[-1]].rstrip(), columns), gap, *whole[-_LAST_LINES:]]


def _write(
    lines: list[list[Cell]], row: int, column: int, text: str, codes: tuple[str, ...], columns: int
) -> tuple[int, int]:
    for character in text:
        if column == columns:
            row, column = row + 1, 0
            lines.insert(row, [])
        line = lines[row]
        line += [(" ", ())] * (column - len(line))
        line[column : column + 1] = [(character, codes)]
        column += 1
    return row, column


def drawing(lines: list[list[Cell]], columns: int) -> str:
    """The SVG of a screen."""
    width = columns * CHARACTER + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    rows = [
        f'<text y="{MARGIN + number * LINE + 14}">{_spans(line)}</text>' for number, line in enumerate(lines) if line
    ]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="{PLAIN}">',
            f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
            *rows,
            "</svg>\n",
        )
    )


def _spans(line: list[Cell]) -> str:
    runs: list[tuple[int, str, tuple[str, ...]]] = []
    for column, (character, codes) in enumerate(line):
        if runs and runs[-1][2] == codes:
            runs[-1] = (runs[-1][0], runs[-1][1] + character, codes)
        else:
            runs.append((column, character, codes))
    return "".join(_span(column, text, codes) for column, text, codes in runs if text.strip())


def _span(column: int, text: str, codes: tuple[str, ...]) -> str:
    column += len(text) - len(text.lstrip())
    text = text.strip()
    # Its own place and length keep the columns straight, whatever font there is; viewers drop plain blanks.
    style = f' x="{MARGIN + column * CHARACTER:.1f}" textLength="{len(text) * CHARACTER:.1f}"'
    colors = [COLORS[code] for code in codes if code in COLORS]
    if colors:
        style += f' fill="{colors[-1]}"'
    elif "2" in codes or "90" in codes:
        style += f' fill="{DIM}"'
    elif "1" in codes:
        style += f' fill="{BRIGHT}"'
    if "1" in codes:
        style += ' font-weight="bold"'
    return f"<tspan{style}>{escape(text).replace(' ', BLANK)}</tspan>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("commands", nargs="+")
    parser.add_argument("--replace", action="append", default=[], metavar="TEXT=TEXT")
    parser.add_argument("--during", default="", metavar="TEXT")
    parser.add_argument("--columns", type=int, default=COLUMNS, metavar="N")
    arguments = parser.parse_args()
    lines: list[list[Cell]] = []
    for command in arguments.commands:
        text = recorded(command, arguments.folder, arguments.columns)
        for replacement in arguments.replace:
            before, _, after = replacement.partition("=")
            text, command = text.replace(before, after), command.replace(before, after)
        shown = moments(text, arguments.during, arguments.columns)
        lines += [[("$", ("32",)), (" ", ()), *((character, ("1",)) for character in command)], *shown, []]
    arguments.out.write_text(drawing(lines[:-1], arguments.columns), encoding="utf-8")


if __name__ == "__main__":
    main()
