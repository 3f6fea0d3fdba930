"""A sample of every field of a container."""

from __future__ import annotations

from tests.fields.settings import PLAIN
from tests.fields.structured import STRUCTURED
from tests.fields.writing import IMAGE, WAIT

__all__ = ["IMAGE", "SAMPLES", "WAIT"]

SAMPLES = (*STRUCTURED, *PLAIN)
