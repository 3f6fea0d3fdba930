"""Looks at an engine: full inspections, logs, files, the registry's digests. Changes nothing."""

from __future__ import annotations

import base64
import io
import json
import os
import posixpath
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

from provisioner.engines.kernel import has_ipvs, listening_ports
from provisioner.engines.transport import TRANSPORT
from provisioner.errors import EngineRefused
from provisioner.kinds import values
from provisioner.model.state import Facts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from provisioner.engines.engine_http import EngineHttp
    from provisioner.model.builder import Builders, Choice
    from provisioner.model.edges import BuildRecipe, EngineBody, EngineJson

_LISTS = {
    "container": ("/containers/json", {"all": "1"}, ""),
    "network": ("/networks", {}, ""),
    "volume": ("/volumes", {}, "Volumes"),
    "secret": ("/secrets", {}, ""),
    "config": ("/configs", {}, ""),
    "service": ("/services", {}, ""),
    "node": ("/nodes", {}, ""),
    "task": ("/tasks", {}, ""),
    "image": ("/images/json", {"all": "1"}, ""),
}
# The bit of a folder in Go's os.FileMode, which the engine tells; and how many links are followed, as by the kernel.
_FOLDER = 1 << 31
_MOST_LINKS = 40
# Those that are to run, with the spec that their service has now.
_CURRENT_TASKS = {"desired-state": ["running"], "_up-to-date": ["true"]}
_ONE = {
    "container": "/containers/{}/json", "network": "/networks/{}", "volume": "/volumes/{}", "image": "/images/{}/json",
    "secret": "/secrets/{}", "config": "/configs/{}", "service": "/services/{}",
}  # fmt: skip


class DockerReader:
    """Implements `EngineReader` on a live engine."""

    def __init__(self, wire: EngineHttp) -> None:
        self._wire = wire
        self._builders: Builders | None = None
        self._looking = threading.Lock()

    @property
    def url(self) -> str:
        return self._wire.endpoint.url

    def facts(self) -> Facts:
        info, version = self._wire.get("/info"), self._wire.version
        swarm = info.get("Swarm") or {}
        return Facts(
            engine_id=info.get("ID") or "",
            engine_name=info.get("Name") or "",
            engine_version=version.get("Version") or "",
            api_version=self._wire.api,
            platform=info.get("OSType") or "linux",
            swarm_manager=bool(swarm.get("ControlAvailable")),
            node_id=swarm.get("NodeID") or "",
            ipvs=has_ipvs(self.url, str(info.get("KernelVersion") or "")),
            exposed_at=self.url if self._wire.endpoint.is_exposed else "",
            logging_driver=info.get("LoggingDriver") or "json-file",
            local=self.url.startswith("unix://") and info.get("Name") == os.uname().nodename,
            logging_drivers=tuple((info.get("Plugins") or {}).get("Log") or ()),
            runtimes=tuple(info.get("Runtimes") or ()),
            architecture=info.get("Architecture") or "",
            cpus=int(info.get("NCPU") or 0),
            address_pools=tuple(str(pool.get("Base")) for pool in info.get("DefaultAddressPools") or ()),
            read_at=info.get("SystemTime") or "",
            containerd_store=["driver-type", "io.containerd.snapshotter.v1"] in (info.get("DriverStatus") or ()),
        )

    def builders(self) -> Builders:
        with self._looking:
            if self._builders is None:
                from provisioner.engines.build_clients import find_builders

                platform = str(self._wire.get("/info").get("OSType") or "")
                said = self._wire.ping().get("Builder-Version", "")
                self._builders = find_builders(url=self.url, platform=platform, builder_version=said)
            return self._builders

    def builder_for(self, build: BuildRecipe) -> Choice | None:
        from provisioner.engines.build_context import dockerfile_text
        from provisioner.kinds.builders import asks, choose

        text = dockerfile_text(build)
        return choose(build, text, self.builders(), self.facts()) if asks(build, text) else None

    def info(self) -> EngineJson:
        """The engine's own account of itself (GET /info)."""
        answer: EngineJson = self._wire.get("/info")
        return answer

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[EngineJson]:
        path, parameters, inside = _LISTS[kind]
        wanted = [f"{key}={value}" if value else key for key, value in labels.items()]
        filters = ({"label": wanted} if wanted else {}) | (_CURRENT_TASKS if kind == "task" else {})
        answer = self._wire.get(path, {**parameters, **({"filters": json.dumps(filters)} if filters else {})})
        entries = (answer.get(inside) if inside else answer) or []
        if kind != "container" or not entries:
            return list(entries)
        with ThreadPoolExecutor(min(8, len(entries))) as pool:
            inspected = pool.map(lambda entry: self.inspect("container", entry["Id"]), entries)
        return [entry for entry in inspected if entry is not None]

    def containers(self) -> Sequence[EngineJson]:
        return list(self._wire.get("/containers/json", {"all": "1"}) or [])

    def bound_ports(self) -> Collection[tuple[str, int, str]] | None:
        if not self.url.startswith("unix://"):
            return None
        info = self._wire.get("/info")
        return listening_ports(self.url, str(info.get("Name") or ""), str(info.get("KernelVersion") or ""))

    def inspect(self, kind: str, name: str) -> EngineJson | None:
        safe = quote(name, safe="/:@" if kind == "image" else "")
        try:
            raw: EngineJson = self._wire.get(_ONE[kind].format(safe))
        except EngineRefused as error:
            if error.status == 404:
                return None
            raise
        # The engine takes any unique prefix of an id for a name.
        actual = {str(raw.get("Id") or raw.get("ID") or ""), str(raw.get("Name") or _spec_name(raw)).lstrip("/")}
        return raw if kind == "image" or name in actual else None

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        since: str | None = None,
        until: str | None = None,
        follow: bool = False,
        timestamps: bool = False,
        kind: str = "container",
    ) -> Iterator[bytes]:
        with_times = timestamps or bool(until and kind == "service")
        options: EngineBody = {"follow": follow, "tail": "all" if tail is None else tail, "timestamps": with_times}
        if since:
            options["since"] = int(float(since)) if kind != "container" else float(since)
        if until and kind == "container":
            options["until"] = float(until)
        try:
            client = self._wire.client
            if kind == "service":
                chunks = client.service_logs(container_id, stdout=True, stderr=True, is_tty=False, **options)
            elif kind == "task":
                # docker-py has no call for GET /tasks/{id}/logs, which gives the same as that of a service.
                asked = {"stdout": True, "stderr": True, **options}
                answer = client._get(client._url("/tasks/{0}/logs", container_id), params=asked, stream=True)
                chunks = client._get_result_tty(True, answer, False)
            else:
                chunks = client.logs(container_id, stream=True, **options)
            lines = _lines(chunks)
            yield from _older(lines, float(until), timestamps=timestamps) if until and kind == "service" else lines
        except TRANSPORT as error:
            raise self._wire.classified(error) from error

    def read_files(self, container_id: str, path: str) -> Mapping[str, bytes]:
        for _ in range(_MOST_LINKS):
            reply = self._wire.send("GET", f"/containers/{container_id}/archive", {"path": path}, missing_is_fine=True)
            if reply is None:
                return {}
            files: dict[str, bytes] = {}
            with tarfile.open(fileobj=io.BytesIO(reply.content)) as archive:
                members = archive.getmembers()
                if len(members) == 1 and members[0].issym():
                    path = posixpath.join(posixpath.dirname(path), members[0].linkname)
                    continue
                for member in members:
                    content = None if member.issym() else archive.extractfile(member)
                    if content is not None:
                        files[member.name.rpartition("/")[2]] = content.read()
            return files
        return {}

    def is_folder(self, container_id: str, path: str) -> bool:
        for _ in range(_MOST_LINKS):
            reply = self._wire.send("HEAD", f"/containers/{container_id}/archive", {"path": path}, missing_is_fine=True)
            header = reply.headers.get("X-Docker-Container-Path-Stat") if reply is not None else None
            if not header:
                return False
            status = json.loads(base64.b64decode(header))
            if not status.get("linkTarget"):
                return bool(int(status["mode"]) & _FOLDER)
            path = posixpath.join(posixpath.dirname(path), status["linkTarget"])
        return False

    def tasks(self, service_id: str, *, current: bool = False) -> Sequence[EngineJson]:
        filters = {"service": [service_id]} | ({"_up-to-date": ["true"]} if current else {})
        try:
            return list(self._wire.get("/tasks", {"filters": json.dumps(filters)}) or [])
        except EngineRefused as error:
            if error.status != 404:
                raise
            # Tasks outlive their service, and a service that is gone can not be filtered by.
            return [task for task in self._wire.get("/tasks") or [] if task.get("ServiceID") == service_id]

    def distribution(self, reference: str) -> str | None:
        try:
            return str(self._wire.client.inspect_distribution(reference)["Descriptor"]["digest"])
        except (KeyError, *TRANSPORT):
            return None


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _older(lines: Iterator[bytes], until: float, *, timestamps: bool) -> Iterator[bytes]:
    """Of lines that begin with their time those up to a time: a Swarm is not asked for that (API 1.41 to 1.51)."""
    for line in lines:
        moment, _, text = line.partition(b" ")
        then = values.moment(moment.decode(errors="replace"))
        if then is None or then.timestamp() <= until:
            yield line if timestamps else text


def _spec_name(raw: EngineJson) -> str:
    return str((raw.get("Spec") or {}).get("Name") or "")
