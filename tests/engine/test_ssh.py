"""An engine behind ssh: the system's ssh, a real sshd, one connection, and errors that say what to do."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import Environment, service
from tests.engine.ssh_server import SshServer, ssh_server

if TYPE_CHECKING:
    from tests.engine.environment import Outcome

__all__ = ["ssh_server"]
pytestmark = pytest.mark.engine


def run(environment: Environment, server: SshServer, *arguments: str) -> Outcome:
    return environment.run(*arguments, "--host", "ssh://box", PATH=server.path)


def execute(environment: Environment, server: SshServer, *command: str, stdin: str = "") -> str:
    """What a command in the service `web` prints."""
    return printed(environment, server, "exec", "-T", "web", *command, stdin=stdin)


def printed(environment: Environment, server: SshServer, *arguments: str, stdin: str = "") -> str:
    words = [sys.executable, "-m", "provisioner", "--host", "ssh://box", *arguments]
    done = subprocess.run(
        words, cwd=environment.folder, env=environment.surroundings(PATH=server.path), input=stdin,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_goes_through_one_connection(environment: Environment, ssh_server: SshServer) -> None:
    environment.write("FROM busybox:1.36\nRUN echo built > /built\n", "app/Dockerfile")
    image = f"{environment.project}-web:1"
    environment.services(web=service(build="app", image=image, command=["sh", "-c", "echo up; exec sleep 1000"]))
    applied = run(environment, ssh_server, "apply", "--yes")
    assert applied.code == 0, applied
    ssh_server.calls()
    again = run(environment, ssh_server, "plan", "--detailed-exitcode")
    assert again.code == 0, again
    calls = ssh_server.calls()
    assert len([one for one in calls if "-O exit" not in one and one != "-V"]) == 2, calls
    assert len([one for one in calls if "dial-stdio" in one]) == 1, calls
    assert execute(environment, ssh_server, "cat", "/built") == "built\n"
    assert execute(environment, ssh_server, "cat", stdin="through\n") == "through\n"
    assert "up" in printed(environment, ssh_server, "logs", "--no-log-prefix")
    environment.engine.images.remove(image, force=True)


def test_what_is_in_the_way_is_said_with_what_to_do(environment: Environment, ssh_server: SshServer) -> None:
    environment.services(web=service())

    def refused() -> str:
        outcome = run(environment, ssh_server, "plan")
        assert outcome.code == 69, outcome
        return outcome.stderr

    ssh_server.know("other")
    assert "is not the one that known_hosts has for it" in refused()
    ssh_server.know("")
    assert "is not known here" in refused()
    ssh_server.know("host")
    ssh_server.admit("no")
    assert "refuses this user's keys" in refused()
    ssh_server.admit('environment="PATH=/nowhere"')
    assert "docker is not installed on box" in refused()
    ssh_server.admit('command="echo welcome; docker system dial-stdio"')
    welcome = refused()
    assert "is no Docker Engine: it begins with 'welcome'" in welcome
    assert "`ssh box true` must print nothing" in welcome
    ssh_server.admit()
    gone = environment.run("plan", "--host", "ssh://box/nowhere.sock", PATH=ssh_server.path)
    assert (gone.code, "does not answer on its socket" in gone.stderr) == (69, True), gone
    none = environment.run("plan", "--host", "ssh://box", PATH=str(environment.folder))
    assert (none.code, "there is no program ssh on this machine" in none.stderr) == (69, True), none


def test_what_the_users_configuration_says_of_the_way(environment: Environment, ssh_server: SshServer) -> None:
    environment.services(web=service())
    for ours in (
        "RemoteCommand tmux attach\n  RequestTTY force", "StdinNull yes", "ForkAfterAuthentication yes",
        "SessionType none", "LogLevel QUIET\n  BatchMode yes", "ControlMaster auto\n  ControlPath /nowhere/%C",
        "PermitLocalCommand yes\n  LocalCommand echo local", "LocalForward 127.0.0.1:1 127.0.0.1:1",
    ):  # fmt: skip
        ssh_server.configure(f"  {ours}\n")
        planned = run(environment, ssh_server, "plan")
        assert planned.code == 0, f"{ours}: {planned}"
    ssh_server.configure("  LogLevel QUIET\n")
    ssh_server.know("other")
    assert "the key of box is not the one that known_hosts has for it" in run(environment, ssh_server, "plan").text
    ssh_server.know("host")
    keys = ssh_server.folder / "known_hosts"
    inner = f"Host inner\n  ProxyJump box\n  HostName 127.0.0.1\n  Port {ssh_server.port}\n"
    inner += f"  IdentityFile {ssh_server.folder}/user\n  UserKnownHostsFile {keys}.inner\n"
    keys.with_suffix(".inner").write_bytes(keys.read_bytes())
    ssh_server.configure(inner)

    def behind() -> Outcome:
        return environment.run("plan", "--host", "ssh://inner", PATH=ssh_server.path)

    assert behind().code == 0
    ssh_server.know("other")
    changed = behind()
    assert changed.code == 69
    assert "the key of a host on the way to inner is not the one that known_hosts has for it" in changed.stderr
    assert f'-R "[127.0.0.1]:{ssh_server.port}"' in changed.stderr.replace("\n", " ")
    ssh_server.configure("Host inner\n  ProxyCommand /nowhere/program %h\n")
    missing = behind()
    assert missing.code == 69
    assert "/nowhere/program" in missing.stderr
