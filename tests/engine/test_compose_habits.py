"""What Compose users type: ids of containers, one service by its bare name, a service beside one that can not be."""

from __future__ import annotations

import pytest

from tests.engine.environment import Environment, service

pytestmark = pytest.mark.engine


def test_one_service_is_used_by_its_name_while_others_can_not_be(environment: Environment) -> None:
    # A menu of services, of which two never run at once: they have one host port.
    port = "127.0.0.1:39417:80"
    environment.services(web=service(), pg=service(ports=[port]), my=service(ports=[port]))
    refused = environment.run("plan")
    assert refused.code == 65
    assert "services.my.ports" in refused.stderr
    for target in ("service.web", "web", "pg"):
        assert environment.run("plan", "--target", target).code == 0

    environment.apply("--target", "pg")
    assert environment.plan("--target", "pg")["summary"]["unchanged"] > 0
    assert environment.apply("--target", "pg").summary["changed"] == 0
    shown = environment.run("ps", "-q")
    assert (shown.code, shown.stdout) == (0, f"{environment.container('pg-1').id}\n")
    assert environment.run("ps", "-q", "web").stdout == ""
    assert environment.run("exec", "-it", "pg", "true").code == 0
    assert "service.web" in environment.run("ps").stdout
    only = environment.run("ps", "pg").stdout
    assert "service.pg" in only
    assert "service.web" not in only
    environment.destroy()
