"""Nothing stays behind that nobody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


def test_the_carrier_of_secrets_takes_the_volumes_of_its_image_along(environment: Environment) -> None:
    environment.write(
        {
            "services": {"cache": {"image": "redis:7-alpine", "volumes": ["data:/data"], "secrets": ["password"]}},
            "volumes": {"data": {}},
            "secrets": {"password": {"file": "password.txt"}},
        }
    )
    environment.write("canary", "password.txt")
    environment.apply()
    assert environment.proxy is not None
    carrier, _lease = (
        each for each in environment.proxy.mutating if each.method == "DELETE" and "/containers/" in each.path
    )
    assert carrier.query["v"] == ["1"]
    # The image declares a volume at /data: the service's is the named one, the carrier's had no name.
    mounts = {each["Destination"]: each.get("Name") for each in environment.container("cache-1").attrs["Mounts"]}
    assert mounts["/data"] == f"{environment.project}_data"
    environment.destroy("--volumes", "--history")
    assert environment.objects() == set()
