"""The environment under fire is that of the scenarios."""

from __future__ import annotations

from tests.engine.conftest import decoys, environment

__all__ = ["decoys", "environment"]
