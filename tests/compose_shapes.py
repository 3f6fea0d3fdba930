"""A Compose project of many shapes, as a user has it who knows Compose: several files, a profile, a scaled service, a
name and addresses of its own, shared namespaces, links, limits, configs, secrets, external networks and volumes.

`python -m tests.compose_shapes COMPOSE URL` records what a real Compose asks of an engine for it; of one of 20.10 it
asks what later ones do too.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

import docker

from tests.compose_recording import record

NAME = "shapes"
ARGUMENTS = ("-f", "compose.yaml", "-f", "over.yaml", "--profile", "debug")
_QUICK: dict[str, Any] = {"image": "busybox:1.36", "command": ["sleep", "infinity"], "stop_signal": "SIGKILL"}


def lay_out(folder: Path, project: str) -> None:
    """Write the project's files into `folder`."""
    document = {
        "services": {
            "web": {
                **_QUICK, "networks": {"front": {"aliases": ["www"], "ipv4_address": "10.213.77.10"}, "back": None},
                "mem_limit": "64m", "cpus": 0.5, "pids_limit": 50, "ulimits": {"nofile": {"soft": 512, "hard": 1024}},
                "tmpfs": ["/scratch:size=1m"], "shm_size": "32m",
                "depends_on": {"db": {"condition": "service_started"}},
                "configs": [{"source": "page", "target": "/page"}], "labels": {"a": "b"},
                "secrets": ["token", {"source": "key", "target": "own-key"}],
                "hostname": "own", "mac_address": "02:42:0a:d5:4d:0a", "dns": ["10.0.0.53"], "dns_search": ["x.test"],
                "extra_hosts": ["far=10.1.2.3"], "links": ["db:rows"], "ports": ["127.0.0.1::80", "53/udp"],
                "volumes": [
                    "./token.txt:/own.txt:ro", f"{project}-outside-own:/outside",
                    {"type": "tmpfs", "target": "/quick", "tmpfs": {"size": "1m", "mode": 0o1777}},
                ],
                "env_file": [{"path": "web.env"}, {"path": "none.env", "required": False}],
                "healthcheck": {"test": "true", "interval": "1s", "retries": 4},
            },
            "db": {
                **_QUICK, "container_name": f"{project}-database-own", "volumes": ["data:/data", "/anonymous"],
                "networks": ["back", "outside"], "init": True, "cap_add": ["NET_ADMIN"],
            },
            "worker": {
                **_QUICK, "scale": 3, "networks": ["back"], "restart": "unless-stopped", "links": ["db"],
                "security_opt": ["no-new-privileges:true"], "group_add": ["1234"], "cap_drop": ["MKNOD"],
                "logging": {"driver": "json-file", "options": {"max-size": "1m"}}, "tty": True, "stdin_open": True,
                "devices": ["/dev/null:/dev/nil:r"], "sysctls": {"net.core.somaxconn": 1024}, "cpu_shares": 512,
            },
            "host": {**_QUICK, "network_mode": "host", "uts": "host", "healthcheck": {"disable": True}},
            "alone": {**_QUICK, "network_mode": "none", "stop_grace_period": "3s", "working_dir": "/tmp"},
            "job": {**_QUICK, "command": ["true"], "networks": ["back"]},
            "zero": {**_QUICK, "scale": 0},
            "side": {**_QUICK, "network_mode": "service:db", "pid": "service:db"},
            "debug": {**_QUICK, "profiles": ["debug"]},
            "never": {**_QUICK, "profiles": ["never"]},
        },
        "networks": {
            "front": {"ipam": {"config": [{"subnet": "10.213.77.0/24"}]}, "labels": {"n": "m"}},
            "back": {"internal": True}, "outside": {"external": True, "name": f"{project}-outside-own"},
        },
        "volumes": {"data": {"labels": {"v": "w"}}, f"{project}-outside-own": {"external": True}},
        "configs": {"page": {"content": "hello"}},
        "secrets": {"token": {"file": "./token.txt"}, "key": {"environment": "OWN_KEY"}},
        "include": ["more.yaml"],
    }  # fmt: skip
    over = {"services": {"web": {"environment": {"OVER": "1"}}, "worker": {"user": "1000:1000", "read_only": True}}}
    named = {"name": f"{project}-named-own", "driver_opts": {"type": "tmpfs", "device": "tmpfs"}}
    more = {
        "services": {"more": {**_QUICK, "volumes": ["named:/named"], "network_mode": "none"}},
        "volumes": {"named": named},
    }
    (folder / "more.yaml").write_text(json.dumps(more))
    (folder / "web.env").write_text("FROM_FILE='a b'\n")
    (folder / ".env").write_text("OWN_KEY=k3y\n")
    (folder / "compose.yaml").write_text(json.dumps(document))
    (folder / "over.yaml").write_text(json.dumps(over))
    (folder / "token.txt").write_text("s3")


def main() -> None:
    compose, url = sys.argv[1:]
    project = f"pt-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory() as place, contextlib.closing(docker.DockerClient(base_url=url)) as client:
        folder = Path(place) / project
        folder.mkdir()
        lay_out(folder, project)
        client.networks.create(f"{project}-outside-own")
        client.volumes.create(f"{project}-outside-own")
        line = [compose, *ARGUMENTS]
        record(NAME, line, folder=folder, project=project, url=url, arguments=["up", "-d", "--quiet-pull"])
        from tests.corpus_adoption import remove_compose_project

        remove_compose_project(client, project)


if __name__ == "__main__":
    main()
