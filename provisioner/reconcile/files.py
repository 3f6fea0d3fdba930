"""The names of the volumes that carry the files of configs and secrets: one for each service and set of versions."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def file_volume(project: str, service: str, kind: str, files: Mapping[str, Any]) -> str:
    """The volume for these files; the same versions, owners and modes give the same name."""
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    return f"{project}_{service}.{kind}.{digest}"
