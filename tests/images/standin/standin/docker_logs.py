"""The logs of the containers that a docker_sd configuration of Promtail finds, read through the engine's API."""

from __future__ import annotations

import http.client
import json
import re
import socket
import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator

_META = "__meta_docker_container_"


@dataclass(slots=True)
class Discovery:
    """One docker_sd_configs entry with the relabelling of its job. `read` holds how far each stream was followed."""

    socket: str
    filters: dict[str, list[str]]
    relabelling: list[dict[str, Any]]
    labels: dict[str, str]
    read: dict[tuple[str, str], int] = field(default_factory=dict)

    def streams(self) -> Iterator[tuple[tuple[str, str], dict[str, str], list[tuple[int, str]]]]:
        """What is new: a stream's key, its labels, and its lines with their times in nanoseconds."""
        query = urlencode({"all": "1", "filters": json.dumps(self.filters)})
        for container in json.loads(self._get(f"/containers/json?{query}")):
            new: dict[str, list[tuple[int, str]]] = {"stdout": [], "stderr": []}
            since = min(self.read.get((container["Id"], name), 0) for name in new)
            for name, at, line in self._lines(container["Id"], since):
                if at > self.read.get((container["Id"], name), 0):
                    new[name].append((at, line))
            for name, lines in new.items():
                labels = self._labelled(container, name)
                if lines and labels is not None:
                    yield (container["Id"], name), labels, lines

    def followed(self, key: tuple[str, str], lines: list[tuple[int, str]]) -> None:
        """These lines have arrived and are not read again."""
        self.read[key] = max(at for at, _ in lines)

    def _lines(self, container: str, since: int) -> Iterator[tuple[str, int, str]]:
        arguments = {"stdout": "1", "stderr": "1", "timestamps": "1", "since": f"{since // 10**9}.{since % 10**9:09d}"}
        for name, data in _frames(self._get(f"/containers/{container}/logs?{urlencode(arguments)}")):
            for entry in data.decode(errors="replace").splitlines():
                moment, _, line = entry.partition(" ")
                if (at := nanoseconds(moment)) is not None:
                    yield name, at, line

    def _labelled(self, container: dict[str, Any], stream: str) -> dict[str, str] | None:
        meta = {
            f"{_META}id": container["Id"],
            f"{_META}name": container["Names"][0],
            f"{_META}log_stream": stream,
            **{f"{_META}label_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}": text for key, text in container["Labels"].items()},
        }
        return relabelled({**self.labels, **meta}, self.relabelling)

    def _get(self, path: str) -> bytes:
        connection = _UnixConnection(self.socket)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise OSError(f"the engine answers {response.status}: {body[:200].decode(errors='replace')}")
        return body


def discoveries(job: dict[str, Any]) -> list[Discovery]:
    """The docker_sd_configs of a scrape configuration."""
    return [
        Discovery(
            entry.get("host", "unix:///var/run/docker.sock").removeprefix("unix://"),
            {each["name"]: each["values"] for each in entry.get("filters") or []},
            job.get("relabel_configs") or [],
            {"job": job["job_name"]},
        )
        for entry in job.get("docker_sd_configs") or []
    ]


def relabelled(labels: dict[str, str], rules: list[dict[str, Any]]) -> dict[str, str] | None:
    """The labels after the rules, without the inner ones; None for a target that is dropped."""
    for rule in rules:
        text = rule.get("separator", ";").join(labels.get(name, "") for name in rule.get("source_labels") or [])
        match = re.fullmatch(rule.get("regex", "(.*)"), text)
        action = rule.get("action", "replace")
        if (action == "keep" and not match) or (action == "drop" and match):
            return None
        if action == "replace" and match:
            value = match.expand(re.sub(r"\$\{?(\d+)\}?", r"\\\1", rule.get("replacement", "$1")))
            labels = {**labels, rule["target_label"]: value}
        elif action not in ("replace", "keep", "drop"):
            raise ValueError(f"the stand-in relabels with replace, keep and drop, found {action!r}")
    return {name: text for name, text in labels.items() if text and not name.startswith("__")}


def nanoseconds(moment: str) -> int | None:
    """A time such as 2024-05-01T12:00:00.123456789Z since 1970; None when it is something else."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", moment)
    if not match:
        return None
    whole = int(datetime.fromisoformat(f"{match[1]}+00:00").timestamp())
    return whole * 10**9 + int((match[2] or "").ljust(9, "0"))


def _frames(data: bytes) -> Iterator[tuple[str, bytes]]:
    """A container's output as the engine sends it: a header of eight bytes before every piece."""
    while len(data) >= 8:
        kind, length = struct.unpack(">BxxxL", data[:8])
        yield "stderr" if kind == 2 else "stdout", data[8 : 8 + length]
        data = data[8 + length :]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
