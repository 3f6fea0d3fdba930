"""What Docker Compose asks of an engine, recorded once and asked again where no Compose is installed.

`record` runs a real Compose through a proxy and keeps its changing requests; `Recording.play` sends them to an engine
for another project in another folder. Names and ids of one run stand in a recording as placeholders.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import yaml

from tests.recording_proxy import RecordingProxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent / "compose_recordings"
_PROJECT, _PLACE, _COMPOSE = "@PROJECT@", "@FOLDER@", "@COMPOSE@"
# An id of 64 digits stands as the kind and name of the object that has it.
_OBJECT = re.compile(r"@(container|network):([^@]+)@")
_KINDS = re.compile(r"^/(containers|networks|volumes|images)/")


def record(
    name: str, compose: Sequence[str], *, folder: Path, project: str, url: str, arguments: Sequence[str]
) -> None:
    """Run Compose (`compose` is its command line up to the command) and keep what it asked as recording `name`."""
    with contextlib.closing(RecordingProxy(url)) as proxy:
        run_compose(compose, folder=folder, project=project, url=proxy.url, arguments=arguments)
        requests = [one for one in proxy.mutating if _KINDS.match(one.path) and (one.status or 500) < 400]
        with contextlib.closing(docker.DockerClient(base_url=url)) as client:
            names = _names(client, project)
    kept = []
    for one in requests:
        try:
            body: dict[str, Any] = {"json": json.loads(one.body)} if one.body else {}
        except ValueError:
            body = {"base64": base64.b64encode(one.body).decode()}
        kept.append({"method": one.method, "path": one.path, "query": {k: v[0] for k, v in one.query.items()}, **body})
    text = json.dumps(kept, indent=1, sort_keys=True)
    for identity, placeholder in names.items():
        text = text.replace(identity, placeholder)
    text = text.replace(str(folder), _PLACE).replace(project, _PROJECT)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def run_compose(compose: Sequence[str], *, folder: Path, project: str, url: str, arguments: Sequence[str]) -> None:
    """Run a real Compose to its end."""
    line = [*compose, "-p", project, *arguments]
    done = subprocess.run(
        line, cwd=folder, env={"DOCKER_HOST": url, "HOME": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def _names(client: docker.DockerClient, project: str) -> dict[str, str]:
    filters = {"label": f"com.docker.compose.project={project}"}
    containers = client.api.containers(all=True, filters=filters)
    found = {one["Id"]: f"@container:{one['Names'][0].lstrip('/')}@" for one in containers}
    return found | {one["Id"]: f"@network:{one['Name']}@" for one in client.api.networks(filters=filters)}


@dataclass(frozen=True)
class Recording:
    """The changing requests of one run of Compose."""

    text: str

    @classmethod
    def load(cls, name: str) -> Recording:
        return cls((FOLDER / f"{name}.json").read_text(encoding="utf-8"))

    @staticmethod
    def exists(name: str) -> bool:
        return (FOLDER / f"{name}.json").exists()

    def play(self, client: docker.DockerClient, *, project: str, folder: Path) -> None:
        """Ask the engine for all of it again, for `project` in `folder`. Images have to be there."""
        text = self.text.replace(_PLACE, str(folder)).replace(_PROJECT, project)
        ids: dict[tuple[str, str], str] = {}
        api = client.api
        for one in json.loads(text):
            filled = json.loads(_OBJECT.sub(lambda found: ids[found[1], found[2]], json.dumps(one)))
            self._send(api, filled, ids)

    @staticmethod
    def _send(api: Any, one: Mapping[str, Any], ids: dict[tuple[str, str], str]) -> None:
        address = api.base_url + f"/v{api.api_version}" + one["path"]
        content: Any = base64.b64decode(one["base64"]) if "base64" in one else None
        headers = {"Content-Type": "application/x-tar"} if content else {}
        reply = api.request(
            one["method"],
            address,
            params=one["query"],
            json=one.get("json"),
            data=content,
            headers=headers,
            timeout=120,
        )
        assert reply.ok, f"{one['method']} {one['path']}: {reply.status_code} {reply.text}"
        if one["path"] == "/containers/create":
            ids["container", one["query"]["name"]] = reply.json()["Id"]
        elif one["path"] == "/networks/create":
            ids["network", one["json"]["Name"]] = reply.json()["Id"]


def main() -> int:
    """Stands in for `docker compose [-f FILE] up -d`, and `down`, with the recording `docs-shop`; `name:` in the file
    is the project."""
    words = sys.argv[1:]
    file = Path(words[words.index("-f") + 1] if "-f" in words else "compose.yaml")
    project = str(yaml.safe_load(file.read_text(encoding="utf-8"))["name"])
    client = docker.DockerClient(base_url=os.environ["DOCKER_HOST"], timeout=120)
    with contextlib.closing(client):
        if "up" in words:
            Recording.load("docs-shop").play(client, project=project, folder=Path.cwd())
            return 0
        filters = {"label": f"com.docker.compose.project={project}"}
        for one in client.api.containers(all=True, filters=filters):
            client.api.remove_container(one["Id"], force=True)
        for one in client.api.networks(filters=filters):
            client.api.remove_network(one["Id"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
