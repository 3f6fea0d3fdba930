"""The one module that talks to a Docker Engine: docker-py's connection, the Engine API's own JSON.

Mutating calls go to full ids; no redirect is followed; every call has a deadline; errors are classified in one place.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
from docker.api.client import APIClient
from docker.errors import APIError, BuildError, DockerException
from docker.utils import parse_repository_tag

from provisioner.errors import EngineConflict, EngineRefused, Unreachable
from provisioner.model.state import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from provisioner.engines.connect import Endpoint

READ_TIMEOUT = 60.0
WRITE_TIMEOUT = 180.0
_READ_ATTEMPTS = 3
_LISTS = {
    "container": ("/containers/json", {"all": "1"}, ""),
    "network": ("/networks", {}, ""),
    "volume": ("/volumes", {}, "Volumes"),
    "secret": ("/secrets", {}, ""),
    "config": ("/configs", {}, ""),
    "service": ("/services", {}, ""),
}
_ONE = {
    "container": "/containers/{}/json", "network": "/networks/{}", "volume": "/volumes/{}", "image": "/images/{}/json",
    "secret": "/secrets/{}", "config": "/configs/{}", "service": "/services/{}",
}  # fmt: skip
_TRANSPORT = (requests.exceptions.RequestException, OSError)


def connect(endpoint: Endpoint) -> DockerEngine:
    """An engine at this endpoint; raises Unreachable with what to do when nothing answers."""
    try:
        client = APIClient(
            base_url=endpoint.url, version="auto", tls=endpoint.tls or False, timeout=READ_TIMEOUT, num_pools=16,
            use_ssh_client=endpoint.url.startswith("ssh://"),
        )  # fmt: skip
    except (DockerException, *_TRANSPORT) as error:
        raise _unreachable(endpoint, error) from error
    return DockerEngine(client, endpoint)


def _unreachable(endpoint: Endpoint, error: Exception) -> Unreachable:
    text = str(error)
    if "Permission denied" in text:
        hint = "your user may not use the socket: add it to the group docker, or use sudo"
    elif endpoint.url.startswith("ssh://"):
        hint = f"check that `ssh {endpoint.url.removeprefix('ssh://')} docker version` works"
    elif endpoint.url.startswith("unix://"):
        hint = "start the Docker Engine (systemctl start docker), or name another with --host or --context"
    else:
        hint = "check the address and that the engine listens there, or name another with --host or --context"
    return Unreachable(f"no Docker Engine answers at {endpoint.url} ({endpoint.source})", hint=hint, detail=text)


class DockerEngine:
    """Implements `EngineWriter` on a live engine."""

    def __init__(self, client: APIClient, endpoint: Endpoint) -> None:
        self._client = client
        self._endpoint = endpoint

    @property
    def url(self) -> str:
        return self._endpoint.url

    # Reading ---------------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        info, version = self._get("/info"), self._get("/version")
        major, _, minor = str(self._client.api_version).partition(".")
        swarm = info.get("Swarm") or {}
        return Facts(
            engine_id=info.get("ID") or "",
            engine_name=info.get("Name") or "",
            engine_version=version.get("Version") or "",
            api_version=(int(major), int(minor)),
            platform=info.get("OSType") or "linux",
            swarm_manager=bool(swarm.get("ControlAvailable")),
            logging_driver=info.get("LoggingDriver") or "json-file",
            default_runtime=info.get("DefaultRuntime") or "runc",
            cgroup_version=info.get("CgroupVersion") or "1",
        )

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        path, parameters, inside = _LISTS[kind]
        wanted = [f"{key}={value}" if value else key for key, value in labels.items()]
        answer = self._get(path, {**parameters, **({"filters": json.dumps({"label": wanted})} if wanted else {})})
        found = (answer.get(inside) if inside else answer) or []
        if kind != "container" or not found:
            return list(found)
        with ThreadPoolExecutor(min(8, len(found))) as pool:
            inspected = pool.map(lambda entry: self.inspect("container", entry["Id"]), found)
        return [entry for entry in inspected if entry is not None]

    def inspect(self, kind: str, name: str) -> Mapping[str, Any] | None:
        safe = quote(name, safe="/:@" if kind == "image" else "")
        try:
            raw: Mapping[str, Any] = self._get(_ONE[kind].format(safe))
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
        follow: bool = False,
        timestamps: bool = False,
        kind: str = "container",
    ) -> Iterator[bytes]:
        options: dict[str, Any] = {"follow": follow, "tail": "all" if tail is None else tail, "timestamps": timestamps}
        if since:
            options["since"] = int(float(since)) if kind == "service" else float(since)
        try:
            if kind == "service":
                chunks = self._client.service_logs(container_id, stdout=True, stderr=True, is_tty=False, **options)
            else:
                chunks = self._client.logs(container_id, stream=True, **options)
            rest = b""
            for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line + b"\n" for line in lines)
            if rest:
                yield rest
        except (APIError, *_TRANSPORT) as error:
            raise self._classified(error) from error

    def read_files(self, container_id: str, path: str) -> Mapping[str, bytes]:
        response = self._send("GET", f"/containers/{container_id}/archive", {"path": path}, missing_is_fine=True)
        if response is None:
            return {}
        files: dict[str, bytes] = {}
        with tarfile.open(fileobj=io.BytesIO(response.content)) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    files[member.name.rpartition("/")[2]] = content.read()
        return files

    def tasks(self, service_id: str, *, current: bool = False) -> Sequence[Mapping[str, Any]]:
        filters = {"service": [service_id]} | ({"_up-to-date": ["true"]} if current else {})
        try:
            return list(self._get("/tasks", {"filters": json.dumps(filters)}) or [])
        except EngineRefused as error:
            if error.status != 404:
                raise
            # Tasks outlive their service, and a service that is gone can not be filtered by.
            return [task for task in self._get("/tasks") or [] if task.get("ServiceID") == service_id]

    def distribution(self, reference: str) -> str | None:
        try:
            return str(self._client.inspect_distribution(reference)["Descriptor"]["digest"])
        except (APIError, KeyError, *_TRANSPORT):
            return None

    # Changing --------------------------------------------------------------------------------------------------

    def create(self, kind: str, name: str, body: Mapping[str, Any]) -> str:
        if kind == "container":
            platform = body.get("platform")
            parameters = {"name": name} | ({"platform": platform} if platform else {})
            sent = {key: value for key, value in body.items() if key != "platform"}
            return str(self._post("/containers/create", sent, parameters)["Id"])
        answer = self._post(f"/{kind}s/create", {**body, "Name": name})
        return str(answer["Name"] if kind == "volume" else answer.get("Id") or answer["ID"])

    def remove(self, kind: str, object_id: str, *, volumes: bool = False) -> None:
        parameters = {"v": "1" if volumes else "0", "force": "0"} if kind == "container" else {}
        for attempt in range(20):
            try:
                self._send("DELETE", f"/{kind}s/{quote(object_id, safe='')}", parameters, missing_is_fine=True)
                return
            except EngineConflict as error:
                # Another delete is under way, or endpoints of a container that just went are still there.
                if attempt == 19 or not _passing(error.message):
                    raise
                time.sleep(0.25)

    def start(self, container_id: str) -> None:
        self._post(f"/containers/{container_id}/start")

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        self._post(f"/containers/{container_id}/stop", None, {} if grace is None else {"t": str(round(grace))})

    def restart(self, container_id: str) -> None:
        self._post(f"/containers/{container_id}/restart")

    def unpause(self, container_id: str) -> None:
        self._post(f"/containers/{container_id}/unpause")

    def rename(self, container_id: str, name: str) -> None:
        self._post(f"/containers/{container_id}/rename", None, {"name": name})

    def update(self, container_id: str, body: Mapping[str, Any]) -> None:
        self._post(f"/containers/{container_id}/update", body)

    def update_service(self, service_id: str, version: int, body: Mapping[str, Any]) -> None:
        self._post(f"/services/{service_id}/update", body, {"version": str(version)})

    def connect(self, network_id: str, container_id: str, endpoint: Mapping[str, Any]) -> None:
        self._post(f"/networks/{network_id}/connect", {"Container": container_id, "EndpointConfig": endpoint})

    def disconnect(self, network_id: str, container_id: str) -> None:
        body = {"Container": container_id, "Force": True}
        self._send("POST", f"/networks/{network_id}/disconnect", {}, body, missing_is_fine=True)

    def put_archive(self, container_id: str, path: str, tar: bytes) -> None:
        self._send("PUT", f"/containers/{container_id}/archive", {"path": path}, tar)

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        name, tag = parse_repository_tag(reference)
        try:
            stream = self._client.pull(name, tag or "latest", stream=True, decode=True, platform=platform)
            self._follow(stream, progress, f"image {reference} can not be pulled")
        except (APIError, *_TRANSPORT) as error:
            refused = self._classified(error)
            if isinstance(refused, EngineRefused):
                raise EngineRefused(
                    f"image {reference} can not be pulled: {refused.message}", status=refused.status,
                    hint="check the name and the tag, and `docker login` where the registry is private",
                ) from error  # fmt: skip
            raise refused from error

    def build(
        self, tag: str, build: Mapping[str, Any], labels: Mapping[str, str], progress: Callable[[str], None]
    ) -> None:
        from provisioner.engines.build_context import open_context

        with open_context(build) as context:
            try:
                stream = self._client.build(
                    fileobj=context.archive, custom_context=True, encoding=None, dockerfile=context.dockerfile, tag=tag,
                    labels={**(build.get("labels") or {}), **labels}, buildargs=_arguments(build),
                    target=build.get("target") or "", network_mode=build.get("network"), rm=True, forcerm=True,
                    nocache=bool(build.get("no_cache")), pull=bool(build.get("pull")), decode=True,
                    cache_from=build.get("cache_from"), extra_hosts=_extra_hosts(build),
                    shmsize=int(build["shm_size"]) if build.get("shm_size") else None,
                    platform=(build.get("platforms") or [None])[0],
                )  # fmt: skip
                self._follow(stream, progress, f"image {tag} can not be built")
            except (APIError, BuildError, *_TRANSPORT) as error:
                raise self._classified(error) from error
        for extra in build.get("tags") or []:
            name, version = parse_repository_tag(extra)
            self._client.tag(tag, name, version or "latest")

    def execute(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        workdir: str | None = None,
    ) -> tuple[int, bytes, bytes]:
        try:
            made = self._client.exec_create(
                container_id, list(command), user=user, environment=dict(environment or {}), workdir=workdir
            )
            out, err = self._client.exec_start(made["Id"], demux=True)
            code = self._client.exec_inspect(made["Id"])["ExitCode"]
        except (APIError, *_TRANSPORT) as error:
            raise self._classified(error) from error
        return int(code or 0), out or b"", err or b""

    def attach_exec(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        user: str = "",
        workdir: str = "",
        environment: Mapping[str, str] | None = None,
        tty: bool = False,
        detach: bool = False,
    ) -> int:
        """Run a command with this process's standard streams; its exit code, 0 at once when detached."""
        from provisioner.engines.terminal import run_attached

        try:
            made = self._client.exec_create(
                container_id, list(command), stdin=not detach, tty=tty, user=user, workdir=workdir or None,
                environment=dict(environment or {}),
            )  # fmt: skip
            if detach:
                self._client.exec_start(made["Id"], detach=True)
                return 0
            run_attached(self._client, made["Id"], tty=tty)
            return int(self._client.exec_inspect(made["Id"])["ExitCode"] or 0)
        except (APIError, *_TRANSPORT) as error:
            raise self._classified(error) from error

    # The wire --------------------------------------------------------------------------------------------------

    def _get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        for attempt in range(1, _READ_ATTEMPTS + 1):
            try:
                response = self._send("GET", path, parameters or {})
                return response.json() if response is not None else {}
            except (Unreachable, ValueError) as error:
                if attempt == _READ_ATTEMPTS:
                    if isinstance(error, ValueError):
                        raise Unreachable(f"the engine's answer to {path} is cut or not JSON") from error
                    raise
                time.sleep(0.2 * attempt)
        raise AssertionError("unreachable")

    def _post(self, path: str, body: Any = None, parameters: Mapping[str, str] | None = None) -> Any:
        response = self._send("POST", path, parameters or {}, body)
        if response is None or not response.content:
            return {}
        try:
            return response.json()
        except ValueError as error:
            raise Unreachable(
                f"the engine's answer to {path} is cut; the next run finds out what became of it"
            ) from error

    def _send(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        body: Any = None,
        *,
        missing_is_fine: bool = False,
    ) -> requests.Response | None:
        payload: dict[str, Any] = {}
        if isinstance(body, bytes):
            payload = {"data": body, "headers": {"Content-Type": "application/x-tar"}}
        elif body is not None:
            payload = {"json": body}
        try:
            response: requests.Response = self._client.request(
                method,
                f"{self._client.base_url}/v{self._client.api_version}{path}",
                params=parameters,
                timeout=READ_TIMEOUT if method == "GET" else WRITE_TIMEOUT,
                allow_redirects=False,
                **payload,
            )
        except _TRANSPORT as error:
            raise self._classified(error) from error
        if response.status_code == 404 and missing_is_fine:
            return None
        if response.status_code >= 300 and response.status_code != 304:
            raise _refused(response.status_code, _message(response))
        return response

    def _follow(self, stream: Any, progress: Callable[[str], None], failure: str) -> None:
        """Narrate a pull's or build's stream; its errors come inside a 200 answer."""
        lines: list[str] = []
        for entry in stream:
            if "error" in entry or "errorDetail" in entry:
                detail = entry.get("errorDetail") or {}
                text = str(entry.get("error") or detail.get("message"))
                hint = "this Dockerfile needs BuildKit" if "BuildKit" in text else None
                raise EngineRefused(f"{failure}: {text}", hint=hint, detail="\n".join(lines[-20:]))
            text = str(entry.get("stream") or entry.get("status") or "").strip()
            if text:
                lines.append(text)
                progress(f"{entry['id']}: {text}" if entry.get("id") else text)

    def _classified(self, error: Exception) -> EngineRefused | Unreachable:
        if isinstance(error, APIError):
            return _refused(error.status_code or 500, str(error.explanation or error))
        return _unreachable(self._endpoint, error)


def _spec_name(raw: Mapping[str, Any]) -> str:
    return str((raw.get("Spec") or {}).get("Name") or "")


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text.strip()[:500] or f"HTTP {response.status_code}"


def _passing(text: str) -> bool:
    return "already in progress" in text or "active endpoints" in text or "is in use" in text


def _refused(status: int, text: str) -> EngineRefused:
    """The error of an answer, by status and text (the Engine's own mapping differs between versions)."""
    lower = text.lower()
    if "port is already allocated" in lower or "address already in use" in lower:
        return EngineRefused(
            text, status=status, hint="another process or container holds the port: free it, or publish another"
        )
    if "pool overlaps" in lower or "address pool" in lower:
        return EngineRefused(text, status=status, hint="choose a free subnet, or remove networks that nobody uses")
    if "no space left on device" in lower:
        return EngineRefused(text, status=status, hint="the engine's disk is full: free space, then apply again")
    conflicts = (
        "already in use",
        "already exists",
        "already in progress",
        "active endpoints",
        "is in use",
        "out of sequence",
    )
    if status == 409 or any(part in lower for part in conflicts):
        return EngineConflict(text, status=status)
    return EngineRefused(text, status=status)


def _arguments(build: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in (build.get("args") or {}).items() if value is not None}


def _extra_hosts(build: Mapping[str, Any]) -> dict[str, str] | None:
    hosts = build.get("extra_hosts")
    if isinstance(hosts, dict):
        return {name: str(address) for name, address in hosts.items()}
    pairs = [str(entry).replace("=", ":", 1).partition(":") for entry in hosts or []]
    return {name: address for name, _, address in pairs} or None
