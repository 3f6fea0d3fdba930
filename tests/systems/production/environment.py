"""All five systems, as playbooks/prod.yml and playbooks/local.yml list them, in a project folder of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.systems.environment import ROOT, Outcome, run
from tests.systems.lifetime import bring_images_of

if TYPE_CHECKING:
    from pathlib import Path

    import docker

PLAYS = ("Telecom", "Usage tracking", "Campaign", "Ichrisbirch", "Stock tracker")
TARGETS = ("telecom/prod", "usage-tracking/prod", "campaign/prod", "ichrisbirch/prod", "stock-tracker/prod")

# The variables that tell the playbooks' own checks where published ports are.
HOSTS = ("TELECOM_HOST", "USAGE_HOST", "CAMPAIGN_HOST", "APP_HOST", "STOCK_HOST")

_LEFT_OUT = shutil.ignore_patterns(
    ".env", ".env.local", ".provision", "node_modules", "__pycache__", ".pytest_cache", ".venv"
)


@dataclass(frozen=True, slots=True)
class Production:
    """A copy of the checkout's playbooks, driven at the engine `url`; `host` is where its ports are.

    `target` is the list that is applied, `within` what stands before each command. `canaries` are the values of its
    secrets.
    """

    folder: Path
    url: str
    host: str
    target: str = "prod"
    within: tuple[str, ...] = ()
    canaries: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, url: str, host: str, **options: Any) -> Production:
        """Copy all playbooks and the declarations of their secrets."""
        for name in ("playbooks", "secrets"):
            shutil.copytree(ROOT / name, folder / name, ignore=_LEFT_OUT)
        return cls(folder, url, host, **options)

    def make_secrets(self) -> list[str]:
        """Make the Docker secrets as the runbook says; the values that came of it, which no output may show."""
        text = (ROOT / "docs" / "runbooks" / "production.md").read_text(encoding="utf-8")
        (script,) = re.findall(r"```sh\n# make the secrets\n(.*?)```", text, re.S)
        tools, canaries = self.folder / "tools", self.folder / "canaries"
        tools.mkdir()
        # Letters and digits like those of the real one, and remembered.
        (tools / "openssl").write_text(f"#!/bin/sh\ncat /proc/sys/kernel/random/uuid | tr -d - | tee -a {canaries}\n")
        (tools / "openssl").chmod(0o755)
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], check=True, timeout=120,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "DOCKER_HOST": self.url},
        )  # fmt: skip
        return canaries.read_text(encoding="utf-8").split()

    def bring_images(self, engine_url: str, engine: docker.DockerClient) -> None:
        """Load what this machine's engine builds, with the layers that it has, instead of building all of it anew."""
        listed = (self.folder / "playbooks" / f"{self.target}.yml").read_text(encoding="utf-8")
        for target in re.findall(r"^  import_playbook: (\S+)\.yml$", listed, re.M):
            bring_images_of(self.folder, target, target.partition("/")[2], engine_url, engine)

    def provision(self, command: str, *arguments: str, timeout: float = 2400) -> Outcome:
        """`provision COMMAND` on the list."""
        return run(
            self.folder, self.target, command, *arguments, variables=dict.fromkeys(HOSTS, self.host),
            shell={"DOCKER_HOST": self.url}, timeout=timeout, within=self.within,
        )  # fmt: skip

    def apply(self, *arguments: str) -> dict[str, Any]:
        """The last line of an apply."""
        outcome = self.provision("apply", "--yes", "--json", *arguments)
        last: dict[str, Any] = json.loads(outcome.summary or "{}")
        assert last.get("type") == "summary", outcome.everything
        return {**last, "everything": outcome.everything}


def states(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """How each play of an apply ended."""
    return [(play["name"], play["state"]) for play in summary["plays"]]
