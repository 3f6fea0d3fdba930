"""Variables and files in provisioning files, as Grafana expands them: $NAME, ${NAME}, $__env{NAME}, $__file{PATH}."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|__file\{(?P<file>[^}]+)\}|__env\{(?P<env>\w+)\}|\{(?P<braced>\w+)\}|(?P<plain>[A-Za-z]\w*))"
)


def expand(value: Any, environ: Mapping[str, str]) -> Any:
    """Replace references in every string of a document; a file that can not be read raises OSError."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _resolve(match, environ), value)
    if isinstance(value, dict):
        return {key: expand(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environ) for item in value]
    return value


def setting(environ: Mapping[str, str], name: str, default: str = "") -> str:
    """A GF_ variable, or the content of the file that NAME__FILE names."""
    path = environ.get(f"{name}__FILE")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    return environ.get(name) or default


def _resolve(match: re.Match[str], environ: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "$"
    if match["file"]:
        return Path(match["file"]).read_text(encoding="utf-8").strip()
    return environ.get(match["env"] or match["braced"] or match["plain"], "")
