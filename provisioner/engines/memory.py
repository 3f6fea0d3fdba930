"""An engine in this process: objects in dictionaries, in the shapes of the Engine API. For laws and for speed.

What it claims, a real engine proves under the same contract tests. It is in no Swarm, and its containers do as their
command says: `exit N`, `true` and `false` end with that code, anything else runs; a health check of `false` never
passes.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from provisioner.engines.memory_commands import exit_code, run_command
from provisioner.engines.memory_config import configured
from provisioner.engines.memory_exclusive import require_free, require_free_on, require_free_subnet, require_inside
from provisioner.engines.memory_files import mountpoint, unpack
from provisioner.engines.memory_network import address_pools, attached
from provisioner.engines.memory_reading import MemoryReader
from provisioner.errors import EngineConflict, EngineRefused, Reason
from provisioner.kinds.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.model.edges import BuildRecipe, EngineBody, EngineJson
    from provisioner.model.secret import SecretValue

_NEVER = "0001-01-01T00:00:00Z"
_BUILT_IN = ("bridge", "host", "none")
_HOST_DEFAULTS: EngineBody = {
    "IpcMode": "private", "ShmSize": 67108864, "Runtime": "runc", "CgroupnsMode": "host", "Memory": 0, "MemorySwap": 0,
    "NanoCpus": 0, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "LogConfig": {"Type": "json-file", "Config": {}},
}  # fmt: skip


class MemoryEngine(MemoryReader):
    """Implements `EngineWriter`. `calls` are the changes that were asked for, in order, as verb and object.

    `api_version` is (1, 41) or (1, 51): what an engine adds by itself to networks and attachments follows from it.
    """

    def __init__(self, api_version: tuple[int, int] = (1, 41)) -> None:
        super().__init__(api_version)
        for name in _BUILT_IN:
            self._add_network(name, {"Driver": {"none": "null"}.get(name, name)})

    # Changing --------------------------------------------------------------------------------------------------

    def create(self, kind: str, name: str, body: EngineJson) -> str:
        with self._lock:
            self.calls.append((f"create {kind}", name))
            if any(raw["Name"].lstrip("/") == name for raw in self._of(kind).values()):
                raise EngineConflict(f"a {kind} named {name} is there already", status=409, reason=Reason.NAME_TAKEN)
            if kind == "network":
                require_free_subnet(body, self._networks.values())
                return self._add_network(name, body)
            if kind == "volume":
                return self._add_volume(name, body.get("Labels") or {}, body)
            return self._add_container(name, copy.deepcopy(dict(body)))

    def _add_network(self, name: str, body: EngineJson) -> str:
        identity = self._identity()
        self._networks[identity] = {
            "Id": identity, "Name": name, "Created": self._now(), "Driver": body.get("Driver") or "bridge",
            "EnableIPv6": bool(body.get("EnableIPv6")), "Internal": bool(body.get("Internal")),
            "Attachable": bool(body.get("Attachable")), "Ingress": False, "Options": body.get("Options") or {},
            "EnableIPv4": body.get("EnableIPv4") is not False,
            "IPAM": address_pools(body, len(self._networks) + self._clock, self._api_version),
            "Scope": "local", "Containers": {}, "Labels": dict(body.get("Labels") or {}),
        }  # fmt: skip
        return identity

    def _add_volume(self, name: str, labels: Mapping[str, str], body: EngineJson) -> str:
        self._volumes[name] = {
            "Name": name, "Driver": body.get("Driver") or "local", "Options": body.get("DriverOpts"),
            "Labels": dict(labels),
            "Mountpoint": mountpoint(name), "CreatedAt": self._now(), "Scope": "local",
        }  # fmt: skip
        return name

    def _add_container(self, name: str, body: EngineBody) -> str:
        image: EngineJson | None = {"Id": "", "Config": {}}
        if body.get("Image"):
            image = self.inspect("image", body["Image"])
        if image is None:
            raise refused(404, f"No such image: {body['Image']}")
        host = {**_HOST_DEFAULTS, **body.pop("HostConfig", {})}
        if host["Memory"] and not host["MemorySwap"]:
            host["MemorySwap"] = 2 * host["Memory"]
        endpoints = dict((body.pop("NetworkingConfig", None) or {}).get("EndpointsConfig") or {})
        if len(endpoints) > 1 and self._api_version < (1, 44):
            raise refused(400, f"Container cannot be connected to network endpoints: {', '.join(endpoints)}")
        identity, config = self._identity(), configured(body, image["Config"])
        for key in ("NetworkMode", "PidMode", "IpcMode"):
            host[key] = self._by_id(host.get(key) or "")
        machine = self.facts().engine_name if host["NetworkMode"] == "host" else identity[:12]
        config["Hostname"] = config.get("Hostname") or machine
        raw: EngineBody = {
            "Id": identity, "Name": f"/{name}", "Created": self._now(), "Image": image["Id"], "Config": config,
            "HostConfig": host, "RestartCount": 0, "Mounts": self._mounts(config, host),
            "State": {"Status": "created", "Running": False, "ExitCode": 0, "StartedAt": _NEVER, "FinishedAt": _NEVER,
                      "OOMKilled": False, "Error": ""},
            "NetworkSettings": {"Networks": {}},
        }  # fmt: skip
        self._containers[identity], self._files[identity] = raw, {}
        mode = host["NetworkMode"] = host["NetworkMode"] or "default"
        if not mode.startswith("container:"):
            network = "bridge" if mode == "default" else mode
            # Before API 1.44 the hardware address is the container's.
            own = {"MacAddress": config["MacAddress"]} if config.get("MacAddress") else {}
            self._attach(raw, self._network(network)["Name"], {**own, **(endpoints.pop(network, None) or {})})
            for name, settings in endpoints.items():
                self._attach(raw, self._network(name)["Name"], settings or {})
        return identity

    def _mounts(self, config: EngineBody, host: EngineBody) -> Sequence[EngineBody]:
        wanted = [(mount["Type"], mount.get("Source") or "", mount["Target"]) for mount in host.get("Mounts") or []] + [
            ("bind", *bind.split(":")[:2]) for bind in host.get("Binds") or []
        ]
        covered = {target for _, _, target in wanted}
        wanted += [("volume", "", target) for target in config.get("Volumes") or {} if target not in covered]
        mounts = []
        for kind, source, target in wanted:
            if kind != "volume":
                mounts.append({"Type": kind, "Source": source, "Destination": target})
                continue
            name = source or self._identity()
            if name not in self._volumes:
                self._add_volume(name, {}, {})
            mounts.append({"Type": "volume", "Name": name, "Destination": target})
        return mounts

    def remove(self, kind: str, object_id: str, *, volumes: bool = False) -> None:
        with self._lock:
            self.calls.append((f"remove {kind}", object_id))
            raw = self._of(kind).get(object_id)
            if raw is None:
                return
            if kind == "container":
                if raw["State"]["Running"]:
                    raise refused(409, f"You cannot remove a running container {object_id}")
                names = [mount["Name"] for mount in raw["Mounts"] if mount["Type"] == "volume"]
                del self._containers[object_id], self._files[object_id]
                for name in names if volumes else ():
                    if len(name) == 64 and not self._mounting(name):
                        del self._volumes[name]
                return
            users = self._users(raw["Name"], running=True) if kind == "network" else self._mounting(raw["Name"])
            if users:
                raise refused(409, f"{kind} {raw['Name']} is in use by {', '.join(users)}")
            del self._of(kind)[object_id]
            self._files.pop(mountpoint(object_id), None)

    def _mounting(self, volume: str) -> Sequence[str]:
        return [c["Id"] for c in self._containers.values() if any(m.get("Name") == volume for m in c["Mounts"])]

    def start(self, container_id: str) -> None:
        with self._lock:
            self.calls.append(("start", container_id))
            raw = self._container(container_id)
            if raw["State"]["Running"]:
                return
            for name in raw["NetworkSettings"]["Networks"]:
                self._network(name)
            self._require_running_hosts(raw["HostConfig"])
            require_inside(raw["NetworkSettings"]["Networks"], self._networks.values())
            require_free(raw, self._containers.values())
            command = raw["Config"].get("Cmd") or []
            state = raw["State"]
            state.update(Status="running", Running=True, StartedAt=self._now())
            test = (raw["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
            if test != ["NONE"]:
                state["Health"] = {"Status": "unhealthy" if "false" in test else "healthy", "Log": []}
            if (code := exit_code(command)) is not None:
                state.update(Status="exited", Running=False, ExitCode=code, FinishedAt=self._now())

    def _require_running_hosts(self, host: EngineBody) -> None:
        """Namespaces can be joined only while they are there (daemon/container.go, daemon/start.go)."""
        for key in ("NetworkMode", "PidMode", "IpcMode"):
            mode = str(host.get(key) or "")
            if mode.startswith("container:"):
                identity = mode.partition(":")[2]
                if identity not in self._containers:
                    raise EngineRefused(f"No such container: {identity}", status=404)
                if not self._containers[identity]["State"]["Running"]:
                    raise EngineConflict(
                        f"cannot join the namespace of a non running container: {identity}", status=409
                    )

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        with self._lock:
            self.calls.append(("stop", container_id))
            state = self._container(container_id)["State"]
            if state["Running"]:
                state.update(Status="exited", Running=False, ExitCode=137, FinishedAt=self._now())

    def restart(self, container_id: str, *, grace: float | None = None) -> None:
        with self._lock:
            self.stop(container_id)
            self.start(container_id)

    def unpause(self, container_id: str) -> None:
        with self._lock:
            self.calls.append(("unpause", container_id))
            state = self._container(container_id)["State"]
            if state["Status"] != "paused":
                raise refused(409, f"Container {container_id} is not paused")
            state.update(Status="running", Running=True)

    def pause(self, container_id: str) -> None:
        """What a hand may do; no step of a plan does."""
        with self._lock:
            self._container(container_id)["State"].update(Status="paused", Running=True)

    def set_health(self, container_id: str, health: str) -> None:
        """What time brings: the health check of a container that runs has another verdict."""
        with self._lock:
            self._container(container_id)["State"]["Health"] = {"Status": health, "Log": []}

    def rename(self, container_id: str, name: str) -> None:
        with self._lock:
            self.calls.append(("rename", container_id))
            if any(raw["Name"] == f"/{name}" for raw in self._containers.values()):
                raise refused(409, f"the container name {name} is already in use")
            self._container(container_id)["Name"] = f"/{name}"

    def update(self, container_id: str, body: EngineJson) -> None:
        with self._lock:
            self.calls.append(("update", container_id))
            self._container(container_id)["HostConfig"].update({k: v for k, v in body.items() if v})

    def update_spec(self, kind: str, object_id: str, version: int, body: EngineJson) -> None:
        raise self._no_swarm()

    def roll_back_service(self, service_id: str, version: int) -> None:
        raise self._no_swarm()

    def connect(self, network_id: str, container_id: str, endpoint: EngineJson) -> None:
        with self._lock:
            self.calls.append(("connect", container_id))
            raw, network = self._container(container_id), self._network(network_id)
            if network["Name"] in raw["NetworkSettings"]["Networks"]:
                raise refused(403, f"endpoint already exists in network {network['Name']}")
            if raw["State"]["Running"]:
                require_inside({network["Name"]: endpoint}, self._networks.values())
            require_free_on(network["Name"], endpoint, raw, self._containers.values())
            # A hardware address is taken when a container is made, and no more when it joins (API 1.44).
            taken = {key: value for key, value in endpoint.items() if key != "MacAddress"}
            if raw["Config"].get("MacAddress") and raw["HostConfig"]["NetworkMode"] in (network["Name"], network["Id"]):
                taken["MacAddress"] = raw["Config"]["MacAddress"]
            self._attach(raw, network["Name"], taken)

    def disconnect(self, network_id: str, container_id: str) -> None:
        with self._lock:
            self.calls.append(("disconnect", container_id))
            network = next((n for n in self._networks.values() if network_id in (n["Id"], n["Name"])), None)
            if network is not None and container_id in self._containers:
                self._containers[container_id]["NetworkSettings"]["Networks"].pop(network["Name"], None)

    def _attach(self, raw: EngineBody, network: str, endpoint: EngineJson) -> None:
        settings = attached(raw, endpoint, self._api_version) | {"NetworkID": self._network(network)["Id"]}
        raw["NetworkSettings"]["Networks"][network] = settings

    def put_archive(self, container_id: str, path: str, tar: bytes) -> None:
        with self._lock:
            self.calls.append(("archive", container_id))
            self._container(container_id)
            unpack(self._files, self._containers[container_id], path, tar)

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None], *, digest: str = "") -> None:
        with self._lock:
            self.calls.append(("pull", reference))
            if "missing" in reference:
                raise refused(404, f"image {reference} can not be pulled: not found")
            self.add_image(reference)

    def tag(self, image_id: str, reference: str) -> None:
        with self._lock:
            self.calls.append(("tag", reference))
            if image_id not in self._images:
                raise refused(404, f"No such image: {image_id}")
            self._tags[reference] = image_id

    def build(
        self,
        tag: str,
        build: BuildRecipe,
        labels: Mapping[str, str],
        *,
        secrets: Mapping[str, SecretValue],
        progress: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> None:
        with self._lock:
            self.calls.append(("build", tag))
            self.add_image(tag, {"Labels": {**(build.get("labels") or {}), **labels}})

    def execute(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        workdir: str | None = None,
        privileged: bool = False,
        seconds: float | None = None,
    ) -> tuple[int, bytes, bytes]:
        with self._lock:
            self.calls.append(("execute", container_id))
            raw = self._container(container_id)
            if not raw["State"]["Running"]:
                raise refused(409, f"Container {container_id} is not running")
            config = raw["Config"]
            own = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
            return run_command(
                command, user=user or config.get("User") or "", environment={**own, **(environment or {})},
                workdir=workdir or config.get("WorkingDir") or "/", seconds=seconds,
            )  # fmt: skip
