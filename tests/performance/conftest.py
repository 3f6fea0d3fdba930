"""Fixtures for what is counted on an engine."""

from tests.engine.conftest import environment as environment
