"""The API of this environment, on its database: nothing stands in for anything."""

from __future__ import annotations

import uuid

import pytest
from fastapi.testclient import TestClient
from ichrisbirch.api import create_api
from ichrisbirch.settings import from_environment


@pytest.fixture(scope="session")
def api() -> TestClient:
    return TestClient(create_api(from_environment()))


@pytest.fixture
def name() -> str:
    """A name that no other habit has."""
    return f"test-{uuid.uuid4()}"
