"""`import --running` of a stack: what the services of `docker stack deploy` are, as a playbook. Reads the engine."""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import TYPE_CHECKING

from provisioner.app.import_running import Taken, Variable, in_order
from provisioner.kinds import service, volume
from provisioner.kinds.compose_body import secret_variables
from provisioner.kinds.context import DecodeContext
from provisioner.kinds.fields import get_path
from provisioner.kinds.swarm_body import swarm_body
from provisioner.kinds.swarm_scheduling import SPEC, TASK
from provisioner.kinds.tool_labels import STACK, STACK_IMAGE
from provisioner.reconcile.adoption import key_of, labels_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioner.model.edges import ComposeBody, EngineJson
    from provisioner.model.state import Facts
    from provisioner.ports import EngineReader
# The number of an overlay network among all of its Swarm's, which a manager gives it.
_ASSIGNED = "com.docker.network.driver.overlay.vxlanid_list"
_BUILT_IN = ("host", "bridge", "none", "ingress")


class TakenStack(Taken):
    """Collects what the services of one stack use. Keys are names on the Swarm without the stack's."""

    def __init__(
        self,
        engine: EngineReader,
        facts: Facts,
        project: str,
        origin: str,
        groups: Mapping[str, Sequence[EngineJson]] = MappingProxyType({}),
        known: Mapping[tuple[str, str], str] = MappingProxyType({}),
    ) -> None:
        # Its services share no containers' namespaces: what runs of them says nothing more.
        super().__init__(engine, facts, project, origin, known=known)
        self._files: dict[str, ComposeBody] = {"configs": {}, "secrets": {}}
        self._mounts: dict[str, EngineJson] = {}

    def head(self) -> ComposeBody:
        return {"engine": {"mode": "swarm"}}

    def service(self, name: str, raws: Sequence[EngineJson]) -> ComposeBody:
        """The body of one service."""
        [raw] = raws
        container = get_path(raw, f"Spec.{SPEC}") or {}
        context = DecodeContext(networks=dict(self._attached(raw)), files=dict(self._mounted(container)))
        for mount in container.get("Mounts") or ():
            if mount.get("Type") == "volume" and mount.get("Source"):
                self._mounts[mount["Source"]] = mount
                self._volumes.setdefault(mount["Source"], self._key_of("volume", mount["Source"]))
        running = str(container.get("Image") or "")
        image = labels_of(raw).get(STACK_IMAGE) or running.partition("@")[0]
        body = swarm_body(service.decode(dict(raw), context), image, key=name, volumes=self._volumes)
        for variable, value in secret_variables(body).items():
            known = variable if self._values.setdefault(variable, value) == value else f"{name}_{variable}".upper()
            known = known.replace("-", "_")
            body["environment"][variable] = Variable(known)
            self.notes.append(
                f"{variable} of {name_of(raw)} looks like a secret: the file says ${{{known}}}; set that in the "
                "shell or an env file, or mount a secret"
            )
        return in_order(body)

    def objects(self) -> ComposeBody:
        return {**super().objects(), **self._files}

    def _attached(self, raw: EngineJson) -> Iterator[tuple[str, str]]:
        """The file's key of each network that a service is on, by its id."""
        for entry in get_path(raw, f"Spec.{TASK}.Networks") or ():
            network = self._engine.inspect("network", entry["Target"])
            name = str(network["Name"]) if network else str(entry["Target"])
            if name not in _BUILT_IN:
                self._networks.setdefault(name, self._key_of("network", name))
            yield entry["Target"], self._networks.get(name, name)

    def _mounted(self, container: EngineJson) -> Iterator[tuple[str, tuple[str, str]]]:
        """The file's key of each config and secret, by its id."""
        for kind in ("config", "secret"):
            for entry in container.get(f"{kind.capitalize()}s") or ():
                identity, name = entry[f"{kind.capitalize()}ID"], str(entry[f"{kind.capitalize()}Name"])
                key = self._key_of(kind, name)
                if key not in self._files[f"{kind}s"]:
                    self._files[f"{kind}s"][key] = self._file(kind, key, name)
                yield identity, (key, "")

    def _file(self, kind: str, key: str, name: str) -> ComposeBody:
        raw = self._engine.inspect(kind, name) or {}
        if kind == "secret":
            self.notes.append(f"the value of the secret {name} can not be read: it stays as it is, and is not owned")
            return {"name": name, "external": True}
        try:
            content = base64.b64decode(get_path(raw, "Spec.Data") or "").decode()
        except UnicodeDecodeError:
            content = ""
        own = labels_of(raw).get(STACK) == self._origin
        if own and not content:
            self.notes.append(f"the config {name} is no text: it stays as it is, and is not owned")
        return {"content": content} | self._named(key, name) if own and content else {"name": name, "external": True}

    def _key(self, kind: str, name: str) -> str:
        return key_of(name.removeprefix(f"{self._origin}_"))

    def _network(self, key: str, name: str) -> ComposeBody:
        """A network without what a Swarm gives it by itself."""
        body = super()._network(key, name)
        options = {part: value for part, value in body.pop("driver_opts", {}).items() if part != _ASSIGNED}
        body |= {"driver_opts": options} if options else {}
        return {part: value for part, value in body.items() if (part, value) != ("driver", "overlay")}

    def _volume(self, key: str, name: str) -> ComposeBody:
        """A volume, which may lie on another node: then as the service has it made."""
        if self._engine.inspect("volume", name) is not None:
            return super()._volume(key, name)
        options = self._mounts[name].get("VolumeOptions") or {}
        driver = options.get("DriverConfig") or {}
        spec = volume.decode(
            {"Labels": options.get("Labels"), "Driver": driver.get("Name") or "local", "Options": driver.get("Options")}
        )
        said = {field.key: spec[field.key] for field in volume.FIELDS if spec[field.key] not in (field.default, None)}
        return self._named(key, name) | said
