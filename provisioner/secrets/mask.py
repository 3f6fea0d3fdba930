"""Takes secret values out of foreign text, such as the last lines of a container. Pure."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from provisioner.kinds.compare import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provisioner.model.node import JSON
    from provisioner.model.secret import SecretValue

SENSITIVE = "(sensitive)"
# A shorter value stands for itself only as a whole word: otherwise nothing of a text would be left.
_SHORT = 4
# Of a value of several lines, a key or a certificate, every line of at least this length counts by itself.
_SHORTEST_LINE = 8
_URL_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)")
_WORD = "(?<![A-Za-z0-9_]){}(?![A-Za-z0-9_])"


class Mask:
    """Replaces values, and the ways in which programs write them: in JSON, in a URL, in base64, as hexadecimal digits.

    Of `environment` those values are taken that look like a secret by the variable's name or by their form.
    """

    def __init__(self, values: Iterable[SecretValue], environment: Mapping[str, JSON] | None = None) -> None:
        texts = {value.reveal() for value in values}
        texts |= {str(text).encode() for name, text in (environment or {}).items() if looks_secret(name, text) and text}
        spellings = {spelling for text in texts for spelling in _spellings(text) if spelling}
        patterns = [
            _WORD.format(re.escape(text)) if len(text) < _SHORT else re.escape(text)
            for text in sorted(spellings, key=len, reverse=True)
        ]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def __call__(self, text: str) -> str:
        """The text with `(sensitive)` in the place of every value, and of passwords in URLs."""
        if self._pattern is not None:
            text = self._pattern.sub(SENSITIVE, text)
        return _URL_PASSWORD.sub(rf"\1{SENSITIVE}", text)


def _spellings(value: bytes) -> Iterator[str]:
    for part in (value, value.strip(), *_lines(value)):
        text = part.decode(errors="replace")
        yield text
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield repr(text)[1:-1]
        if len(text) >= _SHORT:
            yield quote(text, safe="")
            yield quote_plus(text)
            yield part.hex()
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                encoded = encode(part).decode()
                yield encoded
                yield encoded.rstrip("=")


def _lines(value: bytes) -> list[bytes]:
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if len(line) >= _SHORTEST_LINE] if len(lines) > 1 else []
