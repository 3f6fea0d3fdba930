"""The one module that changes a Docker Engine: docker-py's connection, the Engine API's own JSON.

Objects are addressed by full id. Where an answer is lost, a look decides what became of the change: what is made
carries the token of its operation, everything else is told by the object's state.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from provisioner.engines import removal
from provisioner.engines.data_streams import DockerStreams
from provisioner.engines.engine_http import EngineHttp
from provisioner.engines.exec_output import collect, exit_code
from provisioner.engines.operations import Operations
from provisioner.engines.transport import TRANSPORT
from provisioner.errors import ClaimTaken, EngineConflict, EngineRefused, PlanStale, ProvisionError, Reason
from provisioner.kinds.builders import choose
from provisioner.kinds.ownership import ADDRESS, OPERATION, PROJECT
from provisioner.reconcile.retry import is_unreachable, retried

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.engines.connect import Endpoint
    from provisioner.model.edges import BuildRecipe, EngineJson
    from provisioner.model.secret import SecretValue

_TOKENED = ("container", "network", "volume", "config", "secret")
# Engine API 1.44: no two networks have one name.
_NAMES_ARE_UNIQUE = (1, 44)
_STOPPED = ("created", "exited", "dead")
# The pauses between looks for a network that an engine is still making (seconds).
_UNTIL_NAMED = (0.1, 0.2, 0.4, 0.8, 1.6)


def connect(endpoint: Endpoint, timeout: float | None = None) -> DockerEngine:
    """An engine at this endpoint; raises Unreachable with what to do when nothing answers.

    `timeout` (seconds) shortens the time that one request may take.
    """
    wire = EngineHttp(endpoint, timeout)
    _ = wire.version
    return DockerEngine(wire)


class DockerEngine(Operations, DockerStreams):
    """Implements `EngineOperator` and `DataEngine` on a live engine."""

    def create(self, kind: str, name: str, body: EngineJson) -> str:
        labels = dict(body.get("Labels") or {})
        if kind in _TOKENED:
            labels[OPERATION] = uuid.uuid4().hex
        sent = {**body, "Labels": labels} if labels else dict(body)
        try:
            return self._wire.send_then_verify(
                lambda: self._create(kind, name, sent), lambda: self._made(kind, name, labels)
            )
        except ClaimTaken as error:
            if kind == "network" and error.reason is Reason.SUBNET:
                self._require_not_ours(name, labels, error)
            raise

    def _require_not_ours(self, name: str, labels: Mapping[str, str], error: ClaimTaken) -> None:
        """PlanStale where it is this very network that has the subnet: an engine gives that to it before its name."""
        for pause in _UNTIL_NAMED:
            raw = self.inspect("network", name)
            if raw is not None:
                raise _is_there("network", name, labels, raw.get("Labels") or {}) from error
            time.sleep(pause)

    def _create(self, kind: str, name: str, body: EngineJson) -> str:
        if kind == "container":
            platform = body.get("platform")
            parameters = {"name": name} | ({"platform": platform} if platform else {})
            sent = {key: value for key, value in body.items() if key != "platform"}
            answer = self._wire.post("/containers/create", sent, parameters)
            self._require_complete(answer)
            return str(answer["Id"])
        # Without being asked, engines before 25 make a second network of the same name.
        strict = {"CheckDuplicate": True} if kind == "network" else {}
        headers = self._credentials(body) if kind == "service" else None
        answer = self._wire.post(f"/{kind}s/create", {**body, **strict, "Name": name}, None, headers)
        if kind == "volume":
            # The engine answers with the volume that is there, whatever it was asked to make.
            if (answer.get("Labels") or {}).get(OPERATION) != body["Labels"][OPERATION]:
                raise _is_there(kind, name, body["Labels"], answer.get("Labels") or {})
            return str(answer["Name"])
        if kind == "network" and self._wire.api < _NAMES_ARE_UNIQUE:
            self._require_only(name, str(answer["Id"]), body.get("Labels") or {})
        return str(answer.get("Id") or answer["ID"])

    def _require_only(self, name: str, made: str, labels: Mapping[str, str]) -> None:
        """Takes a network back, and raises what `_is_there` says, where another of its name came at the same moment.

        Engines before 25 look for the name and then make the network, so that two requests can both find none. No
        container could be put on either by name.
        """
        networks = self._wire.get("/networks", {"filters": json.dumps({"name": [name]})})
        other = next((raw for raw in networks if raw["Name"] == name and raw["Id"] != made), None)
        if other is not None:
            self.remove("network", made)
            raise _is_there("network", name, labels, other.get("Labels") or {})

    def _require_complete(self, answer: EngineJson) -> None:
        """Raises EngineRefused where the engine made a container without what its kernel has not."""
        # Ports in the host's network are published as they are: nothing is missing.
        texts = [text for text in answer.get("Warnings") or () if not text.startswith("Published ports")]
        discarded = [text for text in texts if "discarded" in text]
        if discarded:
            self.remove("container", str(answer["Id"]))
            raise EngineRefused(
                " ".join(discarded),
                reason=Reason.UNSUPPORTED,
                hint="leave it out of the playbook, or use an engine whose kernel has it",
            )

    def _made(self, kind: str, name: str, labels: Mapping[str, str]) -> str | None:
        """The id of what this very operation made; None when there is nothing. Raises when the name is another's."""
        raw = self.inspect(kind, name)
        if raw is None:
            return None
        existing_labels = raw.get("Labels") or (raw.get("Config") or raw.get("Spec") or {}).get("Labels") or {}
        if labels.items() <= existing_labels.items():
            return str(raw["Name"] if kind == "volume" else raw.get("Id") or raw["ID"])
        raise _is_there(kind, name, labels, existing_labels)

    def remove(self, kind: str, object_id: str, *, volumes: bool = False) -> None:
        parameters = {"v": "1" if volumes else "0", "force": "0"} if kind == "container" else {}
        removal.remove(self._wire, self.inspect, kind, object_id, parameters)

    def start(self, container_id: str) -> None:
        # One that has ended counts as started: a job may have run, and is not run twice.
        self._act(container_id, "start", lambda raw: raw["State"]["Status"] != "created")

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        parameters = {} if grace is None else {"t": str(round(grace))}
        self._act(container_id, "stop", lambda raw: raw["State"]["Status"] in _STOPPED, parameters)

    def restart(self, container_id: str, *, grace: float | None = None) -> None:
        parameters = {} if grace is None else {"t": str(round(grace))}
        before = self.inspect("container", container_id) or {"State": {}}
        started = before["State"].get("StartedAt")
        self._act(container_id, "restart", lambda raw: bool(raw["State"]["StartedAt"] != started), parameters)

    def unpause(self, container_id: str) -> None:
        self._act(container_id, "unpause", lambda raw: raw["State"]["Status"] != "paused")

    def rename(self, container_id: str, name: str) -> None:
        self._act(container_id, "rename", lambda raw: raw["Name"].lstrip("/") == name, {"name": name})

    def update(self, container_id: str, body: EngineJson) -> None:
        def same(raw: EngineJson) -> bool:
            return all(raw["HostConfig"].get(key) == value for key, value in body.items())

        self._act(container_id, "update", same, body=body)

    def _act(
        self,
        container_id: str,
        action: str,
        done: Callable[[EngineJson], bool],
        parameters: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> None:
        """One POST on a container; `done` tells from its inspection that the action has happened."""

        def outcome() -> bool | None:
            raw = self.inspect("container", container_id)
            return True if raw is not None and done(raw) else None

        def call() -> bool:
            self._wire.post(f"/containers/{container_id}/{action}", body, parameters)
            return True

        self._wire.send_then_verify(call, outcome)

    def update_spec(self, kind: str, object_id: str, version: int, body: EngineJson) -> None:
        headers = self._credentials(body) if kind == "service" else None

        def call() -> bool:
            self._wire.post(f"/{kind}s/{object_id}/update", body, {"version": str(version)}, headers)
            return True

        def taken() -> bool | None:
            """By this or by another hand: the wait and the look after it tell."""
            raw = self.inspect(kind, object_id)
            return True if raw is None or int(raw["Version"]["Index"]) != version else None

        retried(call, is_unreachable, attempts=2, outcome=taken)

    def _credentials(self, body: EngineJson) -> dict[str, str]:
        container = (body.get("TaskTemplate") or {}).get("ContainerSpec") or {}
        from provisioner.engines import images

        return images.credentials(self._wire, str(container.get("Image") or ""))

    def roll_back_service(self, service_id: str, version: int) -> None:
        raw = self.inspect("service", service_id) or {}
        # The spec goes along for versions that look at it before they take the one before.
        parameters = {"version": str(version), "rollback": "previous"}
        self._wire.post(f"/services/{service_id}/update", raw.get("Spec") or {}, parameters)

    def connect(self, network_id: str, container_id: str, endpoint: EngineJson) -> None:
        def call() -> bool:
            body = {"Container": container_id, "EndpointConfig": endpoint}
            self._wire.post(f"/networks/{network_id}/connect", body)
            return True

        self._wire.send_then_verify(call, lambda: True if self._attached(network_id, container_id) else None)

    def disconnect(self, network_id: str, container_id: str) -> None:
        def call() -> bool:
            body = {"Container": container_id, "Force": True}
            self._wire.post(f"/networks/{network_id}/disconnect", body)
            return True

        self._wire.send_then_verify(call, lambda: None if self._attached(network_id, container_id) else True)

    def _attached(self, network_id: str, container_id: str) -> bool:
        network, container = self.inspect("network", network_id), self.inspect("container", container_id)
        if network is None or container is None:
            return False
        return network["Name"] in (container["NetworkSettings"].get("Networks") or {})

    def put_archive(self, container_id: str, path: str, tar: bytes) -> None:
        def call() -> bool:
            self._wire.send("PUT", f"/containers/{container_id}/archive", {"path": path}, tar)
            return True

        # The same bytes twice are the same as once.
        self._wire.send_then_verify(call, lambda: None)

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None], *, digest: str = "") -> None:
        from provisioner.engines import images

        images.pull(self._wire, reference, platform, progress, digest)

    def push(self, reference: str, progress: Callable[[str], None]) -> str:
        """Push an image to the registry that it is named after; returns its digest there."""
        from provisioner.engines.push import push

        return push(self._wire, reference, progress)

    def init_swarm(self, advertise: str, listen: str) -> None:
        """Make this engine the manager of a new Swarm (POST /swarm/init); `listen` is an address with a port."""
        body = {"ListenAddr": listen, "AdvertiseAddr": advertise, "DataPathAddr": advertise, "Spec": {}}

        def manages() -> bool | None:
            return True if (self.info().get("Swarm") or {}).get("ControlAvailable") else None

        self._wire.send_then_verify(lambda: bool(self._wire.post("/swarm/init", body)), manages)

    def tag(self, image_id: str, reference: str) -> None:
        from provisioner.engines import images

        images.name_also(self._wire, image_id, reference)

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
        from provisioner.engines import images
        from provisioner.engines.build_context import dockerfile_text

        choice = choose(build, dockerfile_text(build), self.builders(), self.facts())
        for lack in choice.refused:
            raise EngineRefused(f"image {tag} can not be built: build.{lack.key} {lack.text}", hint=lack.hint)
        images.build(
            self._wire, choice.builder, tag, build, labels, secrets=secrets, progress=progress, stopped=stopped
        )

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
        try:
            made = self._wire.client.exec_create(
                container_id, list(command), user=user, environment=dict(environment or {}), workdir=workdir,
                privileged=privileged,
            )  # fmt: skip
            if seconds is None:
                out, err = self._wire.client.exec_start(made["Id"], demux=True)
            else:
                stream = self._wire.client.exec_start(made["Id"], socket=True)
                connection: socket.socket = getattr(stream, "_sock", stream)
                with contextlib.closing(connection), contextlib.closing(stream):
                    out, err = collect(connection, command[0], seconds)
            code = exit_code(lambda: self._wire.client.exec_inspect(made["Id"]))
        except TRANSPORT as error:
            raise self._wire.classified(error) from error
        return code, out or b"", err or b""


def _is_there(kind: str, name: str, labels: Mapping[str, str], others: Mapping[str, str]) -> ProvisionError:
    """Why an object with `labels` was not made: another, with the labels `others`, has its name.

    PlanStale for the same object of the same environment: its run was ended, and the engine went on making it after the
    plan had been made. Else EngineConflict.
    """
    ours = {key: labels[key] for key in (PROJECT, ADDRESS) if key in labels}
    if ours and ours.items() <= others.items():
        return PlanStale(
            f"something changed between the plan and this step: the {kind} {name} was made meanwhile, by a run of this "
            "environment that was ended",
            hint="apply again: it is taken as it is, or changed",
        )
    return EngineConflict(f"a {kind} named {name} is there already", status=409, reason=Reason.NAME_TAKEN)
