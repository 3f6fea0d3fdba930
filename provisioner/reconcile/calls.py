"""The one engine call of each step on a plain engine. Bodies are encoded here, from the desired state."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from provisioner.errors import ClaimTaken, EngineRefused, SecretUnavailable, StepFailed
from provisioner.kinds import container, file_volume, network, volume
from provisioner.kinds.container_environment import secrets_in
from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.container_pre_start import pre_start_address, pre_start_name, pre_start_spec
from provisioner.kinds.context import EncodeContext
from provisioner.kinds.hooks import PRE_START
from provisioner.kinds.image import BUILD_LABEL
from provisioner.kinds.ownership import PROJECT, PROTECTED, ownership_labels
from provisioner.kinds.tool_labels import grouping_labels
from provisioner.model.address import Address
from provisioner.model.operation import (
    Build,
    Confirm,
    Connect,
    Create,
    CreateContainer,
    CreatePreStart,
    Disconnect,
    Pause,
    Pull,
    Remove,
    Rename,
    Restart,
    RunHook,
    Start,
    Stop,
    Tag,
    Unpause,
    UpdateContainer,
    Wait,
)
from provisioner.model.secret import SecretValue
from provisioner.reconcile.claims import OTHERWISE, ClaimKind, claims_of_running, holder_of, listed_holders
from provisioner.reconcile.hooks import run_hook
from provisioner.reconcile.namespaces import resolved
from provisioner.reconcile.wait import pause, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from provisioner.model.edges import BuildRecipe, EngineBody
    from provisioner.model.plan import Plan, Step
    from provisioner.model.specs import ContainerSpec
    from provisioner.model.state import Resource, Spec
    from provisioner.ports import Clock, EngineWriter


class ContainerCalls:
    """Calls for plans of the containers platform.

    `contents` gives the bytes of configs and the values of secrets.
    """

    def __init__(
        self,
        plan: Plan,
        engine: EngineWriter,
        contents: Mapping[Address, bytes | SecretValue],
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._contents = contents
        self._clock = clock
        self._networks = {
            resource.address.name: resource.name
            for resource in plan.desired.resources.values()
            if resource.kind == "network"
        }

    def __call__(
        self, step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> str:
        """Make the step's call; returns the id of what was created. Raises ProvisionError when it failed."""
        engine, wanted = self._engine, self._resource
        match step.operation:
            case Tag():
                engine.tag(wanted(step.address).image.earlier, wanted(step.address).name)
            case Pull():
                self._pull(wanted(step.address), progress)
            case Build():
                self._build(wanted(step.address), progress, stopped)
            case Create(kind="network"):
                return self._create_network(wanted(step.address))
            case Create(kind="volume"):
                return self._create_volume(wanted(step.address))
            case Confirm():
                self._confirm_volume(step)
            case CreateContainer() as create:
                return self._create(step, create, made)
            case CreatePreStart() as create:
                return self._create_pre_start(step, create, made)
            case Pause(seconds=seconds):
                pause(seconds, clock=self._clock, progress=progress, stopped=stopped)
            case Wait() as goal:
                self._wait(self._id(step, made), goal, progress, stopped)
            case Remove(kind=kind, volumes=volumes):
                engine.remove(kind, self._id(step, made), volumes=volumes)
            case RunHook() as run:
                run_hook(engine, self._id(step, made), run, progress)
            case _:
                self._act(step, self._id(step, made))
        return ""

    def _wait(self, identity: str, goal: Wait, progress: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """Until the container has reached its goal; of one that runs before another it is told where it is left."""
        try:
            wait(self._engine, identity, goal, clock=self._clock, progress=progress, stopped=stopped)
        except StepFailed as error:
            if not goal.pre_start:
                raise
            text = f"the container before it, {goal.pre_start}, failed and is kept: {error.message}"
            raise StepFailed(text, hint=f"docker logs {goal.pre_start}", evidence=error.evidence) from error

    def _confirm_volume(self, step: Step) -> None:
        """Labels of a volume can not change: the ledger keeps its protection, for the volume that is still there."""
        if self._engine.inspect("volume", step.object_id) is None:
            raise EngineRefused(
                f"the volume {step.object_id} is gone", status=404, hint="look for it, then apply again"
            )

    def _id(self, step: Step, made: Mapping[int, str]) -> str:
        return step.object_id or made[step.made_by or 0]

    def _resource(self, address: Address) -> Resource:
        resources = self._plan.desired.resources
        return resources[address] if address in resources else resources[Address(address.kind, address.name, 1)]

    def _act(self, step: Step, identity: str) -> None:
        engine = self._engine
        match step.operation:
            case Start():
                with self._naming_holders(step, identity):
                    engine.start(identity)
            case Stop(grace_s=grace):
                engine.stop(identity, grace=grace)
            case Restart():
                engine.restart(identity)
            case Unpause():
                engine.unpause(identity)
            case Rename(name=name):
                engine.rename(identity, name)
            case UpdateContainer(paths=paths, values=values):
                spec = {**self._resource(step.address).spec, **values}
                engine.update(identity, container.encode_update(spec, paths, EncodeContext()))
            case Disconnect(network=key, network_id=network_id):
                engine.disconnect(network_id or self._network_id(key), identity)
            case Connect(network=key, endpoint=entry):
                spec = {"networks": {key: entry}} if entry else self._spec(step)
                with self._naming_holders(step, identity):
                    engine.connect(self._network_id(key), identity, container.endpoint(spec, key))
            case _:
                raise AssertionError(step.operation)

    @contextmanager
    def _naming_holders(self, step: Step, identity: str) -> Iterator[None]:
        """Say who has the port or the address that an engine refuses, where one of its containers has it."""
        try:
            yield
        except ClaimTaken as error:
            if step.address not in self._plan.desired.resources:
                raise
            held = claims_of_running(cast("ContainerSpec", self._spec(step)), self._networks)
            claims = [claim for claim in held if claim.kind in (ClaimKind.PORT, ClaimKind.ADDRESS)]
            everyone = listed_holders(self._engine.containers(), (), self._plan.desired.project)
            conflict = holder_of(claims, everyone, identity)
            if conflict is None:
                raise
            claim, holder = conflict
            hint = f"{claim} is held by {holder.name}: {OTHERWISE[claim.kind]}"
            raise ClaimTaken(error.message, status=error.status, reason=error.reason, hint=hint) from error

    def _spec(self, step: Step) -> Spec:
        """What the step's container is to be; one that nobody is to find yet has no alias on its networks."""
        spec = self._resource(step.address).spec
        match step.operation:
            case CreatePreStart(number=number) | Connect(pre_start=number) if number:
                return pre_start_spec(spec, spec[PRE_START][number - 1])
            case CreateContainer(aliases=False) | Connect(aliases=False):
                return {**spec, "networks": {key: {**entry, "aliases": []} for key, entry in spec["networks"].items()}}
            case _:
                return spec

    def _network_id(self, key: str) -> str:
        name = self._networks.get(key, key)
        existing = self._engine.inspect("network", name)
        if existing is None:
            raise EngineRefused(f"the network {name} is gone", status=404, hint="apply again")
        return str(existing["Id"])

    def _pull(self, wanted: Resource, progress: Callable[[str], None]) -> None:
        digest = self._plan.pins.get(wanted.name, "")
        self._engine.pull(wanted.name, wanted.spec["platform"], progress, digest=digest)

    def _build(self, wanted: Resource, progress: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        recipe = wanted.image.recipe or {}
        labels = {BUILD_LABEL: str(wanted.spec["build"]), PROJECT: self._plan.desired.project}
        contents = {
            str(secret["source"]): self._contents.get(Address("secret", secret["source"]))
            for secret in _secrets(recipe)
        }
        secrets = {name: value for name, value in contents.items() if isinstance(value, SecretValue)}
        self._engine.build(wanted.name, recipe, labels, secrets=secrets, progress=progress, stopped=stopped)

    def _create_network(self, wanted: Resource) -> str:
        labels = self._labels(wanted) | network.record_labels(wanted.spec)
        return self._engine.create("network", wanted.name, network.encode(wanted.spec, labels))

    def _create_volume(self, wanted: Resource) -> str:
        labels = self._labels(wanted) | ({PROTECTED: "true"} if wanted.protect else {})
        return self._engine.create("volume", wanted.name, volume.encode(wanted.spec, labels))

    def _labels(self, wanted: Resource) -> dict[str, str]:
        """Whose a network or volume is, for us and for the tool that it was adopted from."""
        desired = self._plan.desired
        # A network of a Swarm is its stack's, like the services.
        kind = "service" if wanted.kind == "network" and wanted.spec["driver"] == "overlay" else wanted.kind
        grouping = grouping_labels(desired.grouping, desired.project, wanted.address, kind)
        return ownership_labels(desired.project, wanted.address, wanted.name) | grouping

    def _create(self, step: Step, create: CreateContainer, made: Mapping[int, str]) -> str:
        wanted, spec = self._resource(step.address), self._spec(step)
        desired = self._plan.desired
        labels = ownership_labels(desired.project, step.address, wanted.name)
        labels |= grouping_labels(desired.grouping, desired.project, step.address, "container")
        body = self._body(spec, step, made, labels, create.inherits)
        return self._engine.create("container", create.name, body)

    def _create_pre_start(self, step: Step, create: CreatePreStart, made: Mapping[int, str]) -> str:
        """One that runs before the step's container, with the mounts of that one."""
        name = pre_start_name(self._resource(step.address).name, create.number)
        address = pre_start_address(step.address, create.number)
        body = self._body(self._spec(step), step, made, ownership_labels(self._plan.desired.project, address, name))
        body["HostConfig"]["VolumesFrom"] = [create.mounts_of_id or made[create.mounts_of or 0]]
        return self._engine.create("container", name, body)

    def _body(
        self,
        spec: Spec,
        step: Step,
        made: Mapping[int, str],
        labels: Mapping[str, str],
        inherits: Mapping[str, str] | None = None,
    ) -> EngineBody:
        wanted = self._resource(step.address)
        secrets = secrets_in(wanted.container_spec["environment"])
        context = EncodeContext(
            labels=labels,
            api_version=self._plan.observed.facts.api_version,
            networks=self._networks,
            ids=self._ids(made),
            file_volumes={kind: self._file_volume(step.address, kind) for kind in sorted(ROOTS) if spec[kind]},
            anonymous=self._anonymous(wanted, inherits or {}),
            revealed={secret["secret"]: self._text(secret["secret"]) for secret in secrets.values()},
        )
        return container.encode(resolved(spec, self._plan.observed), context) | {"platform": wanted.spec["platform"]}

    def _text(self, secret: str) -> str:
        """The value of a secret for an environment variable; `allow_env` has been looked at long before."""
        content = self._contents[Address("secret", secret)]
        data = content if isinstance(content, bytes) else content.reveal()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise SecretUnavailable(
                f"secret {secret} is not text, and can not be an environment variable",
                hint="mount it under `secrets` and read it from there",
            )
        return text

    def _anonymous(self, wanted: Resource, left: Mapping[str, str]) -> dict[str, str]:
        """The replaced container's unnamed volumes that the new one has a place for, declared or the image's."""
        image = self._engine.inspect("image", str(wanted.workload_spec["image"])) if left else None
        places = {*wanted.workload_spec["volumes"], *(((image or {}).get("Config") or {}).get("Volumes") or ())}
        return {target: name for target, name in left.items() if target in places}

    def _ids(self, made: Mapping[int, str]) -> dict[str, str]:
        """The container of each service that others share namespaces with: the first replica, the newest one."""
        ids = {
            a.name: o.id for a, o in self._plan.observed.resources.items() if a.kind == "service" and a.index in (0, 1)
        }
        for step in self._plan.steps:
            if isinstance(step.operation, CreateContainer) and step.id in made and step.address.index in (0, 1):
                ids[step.address.name] = made[step.id]
        return ids

    def _file_volume(self, address: Address, kind: str) -> tuple[str, str]:
        files = self._resource(address).spec[kind]
        name = file_volume.parse(self._plan.desired.project, address.name, kind, files).name
        raw = self._engine.inspect("volume", name)
        if raw is None:
            raise EngineRefused(f"the volume {name} is gone", status=404, hint="apply again")
        return name, str(raw["Mountpoint"])


def _secrets(recipe: BuildRecipe) -> Sequence[Mapping[str, str]]:
    return recipe.get("secrets") or ()
