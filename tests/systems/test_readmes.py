"""What the README of a system tells a new developer to type is typed, in its order, and works.

Lines for production need a Swarm and its secrets, and are left to the tests of production; those that follow a log or
open a shell never end by themselves, and are stopped after a moment.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import fences
from tests.ports import unused_port
from tests.systems.campaign.environment import Environment as Campaign
from tests.systems.environment import PROVISION, ROOT, Environment, copied, unused_subnet
from tests.systems.ichrisbirch.environment import Environment as Ichrisbirch
from tests.systems.lifetime import made_environment, swarm_of_one_node
from tests.systems.stock_tracker.environment import Environment as StockTracker
from tests.systems.telecom.environment import Environment as Telecom
from tests.systems.usage_tracking.environment import Environment as UsageTracking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(1800)]

# Of a system, the playbooks that its README applies on this machine. The second of a pair is the same environment.
PLAYBOOKS: Mapping[type[Environment], tuple[str, ...]] = {
    Telecom: ("local", "dev"),
    Campaign: ("local", "dev"),
    UsageTracking: ("local", "balanced", "dev"),
    Ichrisbirch: ("dev", "test"),
    StockTracker: ("local",),
}
SAME = {"balanced": "local"}
ENDLESS = re.compile(r"\s(-f|--follow)\b|\bexec \S+ \S+ (sh|bash)\s*$|\bwatch\b")


@dataclass(frozen=True, slots=True)
class Typed:
    """The README's lines, typed in a project folder of its own, with ports of each environment's own."""

    environment: Environment
    variables: Mapping[str, Mapping[str, str]]

    @classmethod
    def make(cls, environment: Environment, playbooks: tuple[str, ...]) -> Typed:
        variables: dict[str, dict[str, str]] = {}
        for playbook in playbooks:
            name = f"{environment.name}{SAME.get(playbook, playbook)}"
            (environment.playbooks / f"{environment.name}-{playbook}.yml").write_text(
                f"extends: {playbook}.yml\nenvironment: {name}\n", encoding="utf-8"
            )
            kind = type(environment)
            ports = {port: str(unused_port()) for port in (*kind.PORTS, *declared_ports(environment.playbooks))}
            same = SAME.get(playbook)
            variables[playbook] = variables[same] if same else ports
        if isinstance(environment, UsageTracking):
            for own in variables.values():
                own.setdefault("USAGE_SUBNET", unused_subnet(environment.engine))
                # Who sets it says that the balancer is the way in.
                own.pop("ENTRY_PORT", None)
            variables["balanced"] = {**variables["local"], "ENTRY_PORT": variables["local"]["NGINX_PORT"]}
        return cls(environment, variables)

    def line(self, text: str) -> str:
        """The line for this copy: its environments and its ports."""
        system = self.environment.SYSTEM
        text = re.sub(rf"\b{system}/(\w+)", rf"{system}/{self.environment.name}-\1", text)
        first = next(iter(self.variables))
        for variable, port in self.variables[first].items():
            for default in defaults(self.environment.playbooks, first, variable):
                text = text.replace(f"localhost:{default}/", f"localhost:{port}/")
        return text

    def type(self, text: str) -> str:
        """What the line prints; the test fails where it does not work."""
        playbook = next((each for each in self.variables if f"/{each}" in text), next(iter(self.variables)))
        endless = ENDLESS.search(text.partition("#")[0].rstrip()) is not None
        done = subprocess.run(
            ["timeout", "5" if endless else "900", "bash", "-euo", "pipefail", "-c", self.line(text)],
            cwd=self.environment.folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **self.variables[playbook], "PATH": f"{PROVISION.parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode in ((0, 124, 130) if endless else (0,)), f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout


def declared_ports(playbooks: Path) -> set[str]:
    """The variables of ports in the playbooks' own words."""
    return {name for file in playbooks.glob("*.yml") for name in re.findall(r"\b([A-Z0-9_]*PORT)\b", file.read_text())}


def defaults(playbooks: Path, playbook: str, variable: str) -> set[str]:
    """What a port is where nobody says otherwise: in the playbook, in what it extends, in its env file."""
    files = [playbooks / f"{playbook}.yml", playbooks / "base.yml", playbooks / f".{playbook}.env"]
    texts = [file.read_text(encoding="utf-8") for file in files if file.exists()]
    return {value for text in texts for value in re.findall(rf"^\s*{variable}[:=]\s*\"?(\d+)\"?$", text, re.M)}


def commands(readme: Path) -> Iterator[str]:
    """The README's lines for a shell on this machine; one that goes on is one line."""
    for fence in fences(readme):
        # A block with a title has a test of its own that runs it whole.
        if fence.language != "sh" or re.match(r"# (back up|restore|the secrets of production)\n", fence.text):
            continue
        if "/prod" in fence.text:
            yield from (
                line for line in fence.text.splitlines() if line.startswith("provision") and "/prod" not in line
            )
            continue
        whole = ""
        for line in fence.text.splitlines():
            whole += line
            if whole.endswith("\\") or re.sub(r"\s#.*", "", whole).count("'") % 2:
                whole += "\n"
                continue
            yield whole
            whole = ""
        assert not whole, whole


@pytest.mark.parametrize("kind", PLAYBOOKS, ids=lambda kind: kind.SYSTEM)
def test_every_command_of_a_readme_works(kind: type[Environment], engine_url: str, tmp_path: Path) -> None:
    lines = list(commands(ROOT / "playbooks" / kind.SYSTEM / "README.md"))
    assert any(line.startswith("provision apply") for line in lines)
    with made_environment(kind, engine_url, tmp_path, PLAYBOOKS[kind][0]) as environment:
        typed = Typed.make(environment, PLAYBOOKS[kind])
        for line in lines:
            # Without `--yes` it asks, and there is nobody here to answer.
            asks = re.match(r"provision (apply|destroy|secrets rotate)\b(?!.*--yes)", line)
            typed.type(re.sub(r"(\s*#.*)?$", r" --yes\1", line, count=1) if asks else line)


def test_the_secrets_of_production_are_made_as_each_readme_says(engine_url: str, tmp_path: Path) -> None:
    with swarm_of_one_node(engine_url) as (machine, engine):
        shell = {**os.environ, "DOCKER_HOST": machine.url, "PATH": f"{PROVISION.parent}:{os.environ['PATH']}"}
        for system in (kind.SYSTEM for kind in PLAYBOOKS):
            folder = tmp_path / system
            folder.mkdir()
            copied(system, folder)
            text = (ROOT / "playbooks" / system / "README.md").read_text(encoding="utf-8")
            (script,) = re.findall(r"```sh\n# the secrets of production\n(.*?)```", text, re.S)
            script = re.sub(r"^provision secrets sync \S+", r"\g<0> --yes", script, flags=re.M)
            for line in (script, f"provision secrets check {system}/prod"):
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", line], cwd=folder, env=shell, capture_output=True, text=True,
                    check=False, stdin=subprocess.DEVNULL, timeout=120,
                )  # fmt: skip
                assert done.returncode == 0, (system, done.stdout, done.stderr)
            assert not (folder / "playbooks" / system / ".env.prod.local").exists()
        assert len(engine.secrets.list()) == 3 + 5 + 3 + 4 + 2
