"""The image of provision brings telecom up over ssh, and takes it down: nothing else of provision is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.ssh_server import SshServer, ssh_server
from tests.integrations.image import USER, built_image
from tests.systems.environment import eventually
from tests.systems.lifetime import made_environment
from tests.systems.telecom.conftest import OFTEN
from tests.systems.telecom.environment import Environment

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ssh_server"]
pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.whole]


@pytest.mark.timeout(1500)
def test_the_image_applies_telecom_over_ssh(tmp_path: Path, engine_url: str, ssh_server: SshServer) -> None:
    project = tmp_path / "project"
    with (
        built_image(engine_url) as image,
        made_environment(Environment, engine_url, project, "local", variables=OFTEN) as environment,
    ):
        target = f"telecom/{environment.name}"
        variables = [word for name, value in environment.variables.items() for word in ("-e", f"{name}={value}")]
        ssh = image.ssh(ssh_server, tmp_path)
        image.lent(project)

        def provision(*arguments: str) -> str:
            words = ["--host", "ssh://box", *variables, *arguments]
            done = image.run(*words, folder=project, options=ssh)
            assert done.code == 0, done.output
            return done.output

        assert "create" in provision("plan", target)
        assert " failed=0 " in provision("apply", target, "--yes")
        assert environment.secret_file.stat().st_uid == USER
        assert environment.secret_file.stat().st_mode & 0o777 == 0o600
        assert eventually(lambda: environment.generated_events() > 0, within=30)
        before = environment.identities()
        assert " changed=0 failed=0 " in provision("apply", target, "--yes")
        assert environment.identities() == before
        provision("verify", target)
        provision("status", target, "--exit-code")
        values = environment.secrets().values()
        assert values
        assert [one for one in values if one in environment.exposed()] == []
        provision("destroy", target, "--volumes", "--yes")
        assert (environment.containers(), environment.networks(), environment.volumes()) == ([], [], [])
