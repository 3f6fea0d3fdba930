"""A command line split into words as Compose does it: quotes and backslashes as in a shell, and nothing is expanded.

What a shell would do further, Compose does not: at an operator of the shell outside quotes, the command ends.
"""

from __future__ import annotations

_SPACES = " \t\r\n"
_OPERATORS = ";&|<>"
_QUOTES = "\"'"


def split(line: str) -> tuple[list[str], str]:
    """The words, and what is left from the first operator on ('' where there is none).

    Backquotes and `$(…)` hold a word together and stay in it. Raises ValueError, with a message for
    people, for what is not closed and for a parenthesis that stands alone.
    """
    words: list[str] = []
    word: str | None = None
    quote = held = ""
    escaped = False
    for index, character in enumerate(line):
        if escaped:
            word = (word or "") + character
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif character in _SPACES and not quote and not held:
            if word is not None:
                words.append(word)
            word = None
        elif character in _QUOTES and character == quote:
            word, quote = word or "", ""
        elif character in _QUOTES and not quote and held != ")":
            quote = character
        elif character in _OPERATORS and not quote and not held:
            # A number before '>' is the stream that is redirected, and no word.
            if word is not None and not (character == ">" and word[:1].isdecimal()):
                words.append(word)
            return words, line[index:]
        else:
            held = _open_substitution(character, word or "", quote, held)
            word = (word or "") + character
    if escaped or quote or held:
        raise ValueError("a quote, a parenthesis or a backslash in the command is not closed")
    return words if word is None else [*words, word], ""


def _open_substitution(character: str, word: str, quote: str, held: str) -> str:
    """What has to come before a blank ends a word again: '`', ')' or nothing."""
    if quote:
        return held
    if character == "`" and held != ")":
        return "" if held else "`"
    if character == ")" and held != "`":
        return "" if held else ")"
    if character == "(" and held != "`":
        if held or not word.endswith("$"):
            raise ValueError("a parenthesis in the command, outside quotes")
        return ")"
    return held
