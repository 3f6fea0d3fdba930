"""Plays Promtail: pushes lines to Loki as JSON, from files of static configurations and from containers."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from standin.docker_logs import discoveries
from standin.loki import configuration
from standin.web import Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standin.docker_logs import Discovery
    from standin.web import Application


@dataclass(frozen=True, slots=True)
class _Target:
    """`docker` says that the lines are in the format of Docker's json-file driver."""

    pattern: str
    labels: dict[str, str]
    docker: bool


def build(arguments: list[str], environ: Mapping[str, str]) -> tuple[int, Application]:
    """Read the configuration and start to follow; raise OSError when it is not there."""
    config = configuration(arguments, "/etc/promtail/config.yml", environ)
    urls = [client["url"] for client in config.get("clients") or []]
    positions = Path((config.get("positions") or {}).get("filename") or "/tmp/positions.yaml")
    found = [each for job in config.get("scrape_configs") or [] for each in discoveries(job)]
    follower = _Follower(_targets(config), found, urls, positions)
    threading.Thread(target=follower.run, daemon=True).start()
    return (config.get("server") or {}).get("http_listen_port", 9080), _answer


def _answer(request: Request) -> Response:
    return Response(200, "Ready\n") if request.path == "/ready" else Response(404, {"message": "Not found"})


def _targets(config: dict[str, Any]) -> list[_Target]:
    targets = []
    for job in config.get("scrape_configs") or []:
        docker = any("docker" in stage for stage in job.get("pipeline_stages") or [])
        for static in job.get("static_configs") or []:
            labels = {"job": job["job_name"], **(static.get("labels") or {})}
            pattern = labels.pop("__path__", "")
            targets.append(_Target(pattern, {key: str(value) for key, value in labels.items()}, docker))
    return targets


class _Follower:
    """Positions are written after a push, so a line is sent again rather than lost."""

    def __init__(self, targets: list[_Target], discoveries: list[Discovery], urls: list[str], positions: Path) -> None:
        self._targets = targets
        self._discoveries = discoveries
        self._urls = urls
        self._file = positions
        self._positions: dict[str, int] = {}

    def run(self) -> None:
        if self._file.exists():
            self._positions = json.loads(self._file.read_text(encoding="utf-8"))
        while True:
            for target in self._targets:
                for file in Path("/").glob(target.pattern.lstrip("/")):
                    try:
                        self._follow(target, str(file))
                    except OSError as error:
                        print(f"{file}: will try again: {error}", flush=True)
            for discovery in self._discoveries:
                try:
                    self._discover(discovery)
                except OSError as error:
                    print(f"{discovery.socket}: will try again: {error}", flush=True)
            time.sleep(1)

    def _discover(self, discovery: Discovery) -> None:
        for key, labels, lines in discovery.streams():
            self._push({"streams": [{"stream": labels, "values": [[str(at), line] for at, line in lines]}]})
            discovery.followed(key, lines)

    def _follow(self, target: _Target, name: str) -> None:
        position = self._positions.get(name, 0)
        if Path(name).stat().st_size < position:  # rotated or truncated
            position = 0
        with Path(name).open("rb") as file:
            file.seek(position)
            complete, newline, _ = file.read(1 << 20).rpartition(b"\n")
        if not newline:
            return
        lines = complete.decode(errors="replace").split("\n")
        labels = {**target.labels, "filename": name}
        values = [_docker(line) if target.docker else (time.time_ns(), line) for line in lines]
        self._push({"streams": [{"stream": labels, "values": [[str(at), line] for at, line in values]}]})
        self._positions[name] = position + len(complete) + 1
        self._file.write_text(json.dumps(self._positions), encoding="utf-8")

    def _push(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        for url in self._urls:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=5) as response:
                response.read()


def _docker(line: str) -> tuple[int, str]:
    try:
        entry = json.loads(line)
        moment = datetime.fromisoformat(entry["time"])
        return int(moment.timestamp() * 1e9), entry["log"].rstrip("\n")
    except (ValueError, KeyError):
        return time.time_ns(), line
