"""Files of NAME=value lines, in Compose's dialect. A bad line is told by its number, never by its content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.document.template import BadTemplate, RequiredVariable, substitute
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.document.findings import Findings

_BLANK = "\t\v\f\r \x85\xa0"
_NAME = re.compile(r"[\w.\-\[\]]+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "c": "\\c", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One line: the value is None where the line only names a variable, to be taken from the environment."""

    name: str
    value: str | None
    span: Span


def parse(
    text: str,
    file: str,
    findings: Findings,
    lookup: Callable[[str], str | None],
    *,
    raw: bool = False,
    earlier: Mapping[str, str] | None = None,
    unset: dict[Problem, None] | None = None,
) -> dict[str, Setting]:
    """The settings of `text`; of equal names the last wins.

    Values may use variables: what `lookup` knows comes first, then those set further up, then the `earlier` ones. `raw`
    (Compose's `format: raw`) takes every line as it is, without quotes, comments or variables. A variable without a
    value goes into `unset`, or without that is a warning.
    """
    reader = _Reader(text, file, findings, lookup, earlier or {}, findings.warnings if unset is None else unset)
    return reader.raw() if raw else reader.read()


class _Reader:
    def __init__(
        self,
        text: str,
        file: str,
        findings: Findings,
        lookup: Callable[[str], str | None],
        earlier: Mapping[str, str],
        unset: dict[Problem, None],
    ) -> None:
        self.text = text
        self.file = file
        self.findings = findings
        self.lookup = lookup
        self.earlier = earlier
        self.unset = unset
        self.settings: dict[str, Setting] = {}
        self._at = 0
        self._counted = (0, 1)

    def raw(self) -> dict[str, Setting]:
        for number, line in enumerate(self.text.split("\n"), 1):
            line = line.removesuffix("\r")
            if not line.strip() or line.startswith("#"):
                continue
            name, equals, value = line.partition("=")
            span = Span(self.file, number, 1)
            self.settings[name] = Setting(name, value if equals else None, span)
        return self.settings

    def read(self) -> dict[str, Setting]:
        while self._to_statement():
            line = self._line()
            if not self._statement(line):
                self._to_next_line()
        return self.settings

    def _line(self) -> int:
        offset, line = self._counted
        line += self.text.count("\n", offset, self._at)
        self._counted = (self._at, line)
        return line

    def _to_statement(self) -> bool:
        while self._at < len(self.text):
            if self.text[self._at].isspace():
                self._at += 1
            elif self.text[self._at] == "#":
                self._to_next_line()
            else:
                return True
        return False

    def _to_next_line(self) -> None:
        end = self.text.find("\n", self._at)
        self._at = len(self.text) if end < 0 else end + 1

    def _skip_blanks(self) -> None:
        while self._at < len(self.text) and self.text[self._at] in _BLANK:
            self._at += 1

    def _wrong(self, message: str, line: int, hint: str | None = None) -> bool:
        self.findings.error(message, Span(self.file, line, 1), hint=hint)
        return False

    def _statement(self, line: int) -> bool:
        if self.text.startswith("export", self._at) and self.text[self._at + 6 : self._at + 7] in tuple(_BLANK):
            self._at += 6
            self._skip_blanks()
        match = _NAME.match(self.text, self._at)
        if match is None:
            return self._wrong("not a NAME=value line", line, "start it with a name, or with # for a comment")
        name = match[0]
        self._at = match.end()
        self._skip_blanks()
        span = Span(self.file, line, 1)
        if self._at >= len(self.text) or self.text[self._at] == "\n":
            self.settings[name] = Setting(name, self.lookup(name), span)
            return True
        if self.text[self._at] not in "=:":
            return self._wrong("not a NAME=value line", line, "a name has no blanks and no special characters")
        self._at += 1
        self._skip_blanks()
        value = self._value(line)
        if value is None:
            return False
        self.settings[name] = Setting(name, value, span)
        return True

    def _value(self, line: int) -> str | None:
        quote = self.text[self._at : self._at + 1]
        if quote in ("'", '"'):
            return self._quoted(quote, line)
        end = self.text.find("\n", self._at)
        end = len(self.text) if end < 0 else end
        content = self.text[self._at : end]
        self._at = end
        return self._expanded(content.partition(" #")[0].rstrip(), line)

    def _quoted(self, quote: str, line: int) -> str | None:
        end = self._at + 1
        while True:
            end = self.text.find(quote, end)
            if end < 0:
                self._wrong("a quoted value is not closed", line, f"close it with {quote}")
                return None
            before = self.text[self._at + 1 : end]
            if quote == "'" or (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                break
            end += 1
        content = self.text[self._at + 1 : end]
        self._at = end + 1
        rest = self.text[self._at :].split("\n", 1)[0].strip()
        if rest and not rest.startswith("#"):
            self._wrong("something follows the closing quote", line, "quote the whole value, or none of it")
            return None
        self._to_next_line()
        if quote == "'":
            return content
        # An escaped dollar must outlive the substitution.
        return self._expanded(_ESCAPE.sub(_unescape, content), line)

    def _expanded(self, content: str, line: int) -> str | None:
        def variable(name: str, copes: bool) -> str | None:
            value = self.lookup(name)
            if value is None and name in self.settings:
                value = self.settings[name].value
            if value is None:
                value = self.earlier.get(name)
            if value is None and not copes:
                message = f"the variable {name} is not set, so it is empty here"
                empty = f"write ${{{name}-}} if empty is meant"
                hint = f"set it, {empty}, or put the value in single quotes if a dollar is meant"
                self.unset[Problem(message, Span(self.file, line, 1), "", hint)] = None
            return value

        try:
            return substitute(content, variable)
        except RequiredVariable as error:
            self._wrong(str(error), line)
        except BadTemplate:
            self._wrong("a '${' that is no variable", line, "write '$$' for a dollar, or quote the value with '")
        return None


def _unescape(match: re.Match[str]) -> str:
    character = match[1]
    if character == "$":
        return "$$"
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character in "\"'\\" else match[0]
