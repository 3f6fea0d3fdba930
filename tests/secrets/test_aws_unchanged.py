"""A secret of AWS that has not changed is not read: its version is compared first, and the fingerprint decides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.secret_sources.aws_server import Answer, entry, faulty_server
from tests.engine.environment import service
from tests.secrets.canaries import inside

if TYPE_CHECKING:
    from tests.secrets.conftest import Guarded

pytestmark = pytest.mark.engine

SETTINGS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_DEFAULT_REGION": "eu-west-1"}


def test_what_has_not_changed_is_not_read(guarded: Guarded) -> None:
    stored = {"shop/one": ("first-of-one", "1" * 32), "shop/two": ("first-of-two", "2" * 32)}

    def answer(operation: str, request: dict[str, Any]) -> Answer:
        if operation == "DescribeSecret":
            _, version = stored[request["SecretId"]]
            return Answer({"Name": request["SecretId"], "VersionIdsToStages": {version: ["AWSCURRENT"]}})
        assert operation == "BatchGetSecretValue"
        return Answer({"SecretValues": [entry(name, *stored[name]) for name in request["SecretIdList"]]})

    def declare(**services: Any) -> None:
        guarded.write({
            "services": {"web": service(secrets=["one", "two"]), **services},
            "secrets": {name: {"aws": f"shop/{name}", "sources": ["aws"]} for name in ("one", "two")},
        })  # fmt: skip

    with faulty_server(answer) as server:
        variables = {**SETTINGS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.url}

        def changes() -> dict[str, str]:
            server.asked.clear()
            found = json.loads(guarded.provision("plan", "--json", **variables).stdout)["changes"]
            return {one["address"]: one["action"] for one in found}

        def read() -> list[str]:
            return [
                name for what, request in server.asked if what != "DescribeSecret" for name in request["SecretIdList"]
            ]

        def apply() -> None:
            guarded.provision("apply", "--yes", "-q", **variables)

        declare()
        apply()
        assert changes() == {}
        assert server.operations == ["DescribeSecret"] * 2
        apply()
        assert read() == []

        # Another service needs a file of its own, so the values that go into it are read.
        declare(other=service(secrets=["two"]))
        assert changes() == {"service.other": "create"}
        assert read() == ["shop/two"]
        apply()
        assert inside(guarded.container("other-1"), "/run/secrets/two")[0] == b"first-of-two"

        # Another version of the same value is read, and is no change.
        stored["shop/one"] = ("first-of-one", "3" * 32)
        assert changes() == {}
        assert read() == ["shop/one"]

        stored["shop/one"] = ("second-of-one", "4" * 32)
        assert changes() == {"secret.one": "update", "service.web": "replace"}
        apply()
        assert inside(guarded.container("web-1"), "/run/secrets/one")[0] == b"second-of-one"
        assert inside(guarded.container("web-1"), "/run/secrets/two")[0] == b"first-of-two"
        assert changes() == {}
        assert read() == []
        guarded.provision("rollback", "--yes", "-q", **variables)
        assert inside(guarded.container("web-1"), "/run/secrets/one")[0] == b"first-of-one"
