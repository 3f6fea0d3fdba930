"""The manifest of an archive as JSON, with a digest of itself: what is torn or changed is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any

from provisioner.errors import ProvisionError
from provisioner.model.backup import Manifest, Part

FILE = "manifest.json"
FORMAT = 1


def write_manifest(manifest: Manifest) -> bytes:
    """The file. Its key `digest` is the SHA-256 of everything else in it, as canonical JSON."""
    content = {"format_version": FORMAT, **asdict(manifest)}
    return (json.dumps({**content, "digest": _digest(content)}, indent=2, ensure_ascii=False) + "\n").encode()


def read_manifest(content: bytes, what: str) -> Manifest:
    """The manifest in a file. ProvisionError for one that is torn, was changed, or is of a later version."""
    try:
        record: dict[str, Any] = json.loads(content)
        digest, version = record.pop("digest"), record.pop("format_version")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(what) from None
    if version != FORMAT:
        raise ProvisionError(
            f"{what} has the format {version}, and this version of provision reads format {FORMAT}",
            hint="use the version that made it, or a later one",
        )
    if digest != _digest({"format_version": version, **record}):
        raise _damaged(what)
    try:
        parts = tuple(
            Part(**{**_known_keys(Part, part), "replaces": tuple(part["replaces"])}) for part in record["parts"]
        )
        return Manifest(**{**_known_keys(Manifest, record), "parts": parts})
    except (TypeError, KeyError):
        raise _damaged(what) from None


def _damaged(what: str) -> ProvisionError:
    return ProvisionError(f"{what} is damaged: its manifest is torn or was changed", hint="take another archive")


def _known_keys(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {key: value for key, value in values.items() if key in names}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
