"""The grammar of `.env.local`: text to entries and back, comments and order kept.

One strict reading of Compose's dialect: no interpolation, no commands, and what dialects read in different ways is a
bad line. A bad line is told by its number, never by its text. Knows nothing of files, tiers or declarations.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.model.secret import SecretValue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
KEYRING = "keyring:"

_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_EXPORT = re.compile(r"[ \t\ufeff]*export[ \t]+[A-Za-z_]")
_AFTER_QUOTE = re.compile(r"[ \t]*(?: (?P<comment>#.*))?")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_ESCAPED = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\", "$": "\\$"})
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the line with this number, counted from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment on the lines `first` to `last`. `keyring` is the name behind an unquoted `keyring:` value."""

    key: str
    value: SecretValue
    first: int
    last: int
    keyring: str | None = None
    comment: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file. `bad` lines make it unusable, `cautions` are for people; `lines` keep it for editing."""

    entries: Mapping[str, Entry]
    bad: tuple[Remark, ...] = ()
    cautions: tuple[Remark, ...] = ()
    lines: tuple[str, ...] = field(default=(), repr=False)


class _BadLine(Exception):
    """`text` never holds anything of the line; reading goes on after `last`."""

    def __init__(self, line: int, text: str, last: int | None = None) -> None:
        super().__init__(text)
        self.remark = Remark(line, text)
        self.last = last or line


def read(content: bytes) -> Document:
    """Read a file. Never raises; everything wrong is in `bad`, sorted by line."""
    text, undecodable = _decode(content)
    if undecodable:
        return Document({}, bad=(undecodable,))
    lines = tuple(text.split("\n"))
    entries: dict[str, Entry] = {}
    bad: list[Remark] = []
    cautions: list[Remark] = []
    for outcome in _statements(_readable(lines), cautions):
        if isinstance(outcome, Remark):
            bad.append(outcome)
        elif outcome.key in entries:
            bad.append(Remark(outcome.first, f"this key is already set on line {entries[outcome.key].first}"))
        else:
            entries[outcome.key] = outcome
    return Document(entries, tuple(bad), tuple(cautions), lines)


def edit(document: Document, values: Mapping[str, str], removed: Collection[str] = ()) -> bytes:
    """The file with these keys set to right-hand sides from `literal` or `KEYRING`, and the removed ones gone."""
    lines = list(document.lines)
    if lines and lines[-1] == "":
        lines.pop()
    ending = "\r" if lines and lines[0].endswith("\r") else ""
    touched = [entry for entry in document.entries.values() if entry.key in values or entry.key in removed]
    for entry in sorted(touched, key=lambda entry: entry.first, reverse=True):
        kept = []
        if entry.key in values:
            comment = f" {entry.comment}" if entry.comment else ""
            export = "export " if _EXPORT.match(lines[entry.first - 1]) else ""
            kept = [f"{export}{entry.key}={values[entry.key]}{comment}{ending}"]
        lines[entry.first - 1 : entry.last] = kept
    lines += [f"{key}={value}{ending}" for key, value in values.items() if key not in document.entries]
    return "".join(f"{line}\n" for line in lines).encode()


def literal(value: SecretValue) -> str | None:
    """A right-hand side that reads back as exactly these bytes; None for bytes that text can not carry."""
    try:
        text = value.reveal().decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if _BARE.fullmatch(text) and not text.startswith(KEYRING):
        return text
    # Compose takes `\'` for an escaped quote, so a value that ends with a backslash is not put in single quotes.
    if "'" in text or "\r" in text or text.endswith("\\"):
        return f'"{text.translate(_ESCAPED)}"'
    return f"'{text}'"


def _decode(content: bytes) -> tuple[str, Remark | None]:
    try:
        return content.decode(), None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    return "", Remark(line, "not UTF-8")


def _readable(lines: tuple[str, ...]) -> list[str]:
    """The lines without a byte order mark and without the CR of CRLF."""
    readable = [line.removesuffix("\r") for line in lines]
    readable[0] = readable[0].removeprefix(_BOM)
    return readable


def _statements(lines: list[str], cautions: list[Remark]) -> Iterator[Entry | Remark]:
    index = 0
    while index < len(lines):
        stripped = lines[index].strip(" \t")
        if not stripped or stripped.startswith("#"):
            index += 1
            continue
        try:
            entry = _statement(lines, index, cautions)
        except _BadLine as bad:
            index = bad.last
            yield bad.remark
        else:
            index = entry.last
            yield entry


def _statement(lines: list[str], index: int, cautions: list[Remark]) -> Entry:
    line, number = lines[index], index + 1
    if "\0" in line:
        raise _BadLine(number, "a NUL character")
    start = _ASSIGNMENT.match(line)
    if start is None:
        expected = "KEY=value expected, the key of letters, digits, '_', '.' and '-'"
        raise _BadLine(number, expected if "=" in line else f"no '=' on the line; {expected}")
    rest = line[start.end() :]
    if rest.startswith(("'", '"')):
        return _quoted(start["key"], rest[0], lines, index, start.end() + 1, cautions)
    return _unquoted(start["key"], rest, number, cautions)


def _unquoted(key: str, rest: str, number: int, cautions: list[Remark]) -> Entry:
    if rest.startswith("#"):
        raise _BadLine(number, "a value that begins with '#': quote it, or put the comment on its own line")
    if "\t#" in rest:
        raise _BadLine(number, "a tab before '#': put a space before a comment, or quote the value")
    text, mark, comment = rest.partition(" #")
    text = text.rstrip(" \t")
    # Controls, zero-width and bidirectional characters, and blanks other than the space.
    if any(not character.isprintable() and character != "\t" for character in text):
        raise _BadLine(number, "an invisible character in an unquoted value: quote it")
    if "#" in text or "$" in text:
        cautions.append(Remark(number, "'#' or '$' in an unquoted value is taken as it is; single quotes say so"))
    keyring = None
    if text.startswith(KEYRING):
        keyring = text.removeprefix(KEYRING)
        if not KEY.fullmatch(keyring):
            raise _BadLine(number, "'keyring:' is not followed by a name of letters, digits, '_', '.' and '-'")
    return Entry(key, SecretValue(text.encode()), number, number, keyring, f"#{comment}" if mark else "")


def _quoted(key: str, quote: str, lines: list[str], index: int, column: int, cautions: list[Remark]) -> Entry:
    """`column` is where the text begins in the line with this index."""
    number = index + 1
    parts: list[str] = []
    end = _closing(quote, lines[index], column)
    while end is None:
        parts.append(lines[index][column:])
        index, column = index + 1, 0
        if index == len(lines):
            raise _BadLine(number, "the quote that opens here is never closed", last=index)
        end = _closing(quote, lines[index], 0)
    parts.append(lines[index][column:end])
    after = _AFTER_QUOTE.fullmatch(lines[index], end + 1)
    if after is None:
        raise _BadLine(number, f"text after the closing quote on line {index + 1}", last=index + 1)
    text = "\n".join(parts)
    if "\0" in text or "\r" in text:
        raise _BadLine(number, "a NUL or a lone carriage return in a quoted value", last=index + 1)
    if quote == '"':
        text = _unescape(text, number, index + 1, cautions)
    if text.startswith(KEYRING):
        cautions.append(Remark(number, "a quoted value that begins with 'keyring:' is taken as it is"))
    return Entry(key, SecretValue(text.encode()), number, index + 1, None, after["comment"] or "")


def _closing(quote: str, line: str, column: int) -> int | None:
    """Where the quote closes in a line; in double quotes a backslash takes the next character along."""
    while column < len(line):
        if line[column] == quote:
            return column
        column += 2 if quote == '"' and line[column] == "\\" else 1
    return None


def _unescape(text: str, number: int, last: int, cautions: list[Remark]) -> str:
    out: list[str] = []
    characters = iter(text)
    for character in characters:
        if character == "\\":
            plain = _ESCAPES.get(next(characters, ""))
            if plain is None:
                known = '\\n \\r \\t \\" \\\\ \\$'
                raise _BadLine(number, f"a backslash in double quotes that is none of {known}", last=last)
            out.append(plain)
            continue
        if character == "$":
            cautions.append(Remark(number, "'$' in double quotes is taken as it is; '\\$' or single quotes say so"))
        out.append(character)
    return "".join(out)
