"""The one engine call of each step on Swarm objects. Bodies are encoded here, from the desired state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import ClaimTaken, EngineConflict, EngineRefused, NotConverged, Reason
from provisioner.kinds import service, swarm_file, volume
from provisioner.kinds.container_mounts import file_entries
from provisioner.kinds.context import EncodeContext
from provisioner.kinds.image import image_facts
from provisioner.kinds.ownership import owned_address, ownership_labels, user_labels
from provisioner.kinds.tool_labels import grouping_labels
from provisioner.model.operation import Create, CreateService, Relabel, Remove, UpdateService, WaitForService, stage_of
from provisioner.reconcile.retry import retried
from provisioner.reconcile.swarm_wait import Overdue, wait_service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.errors import Unreachable
    from provisioner.model.address import Address
    from provisioner.model.edges import EngineBody, EngineJson
    from provisioner.model.plan import Plan, Step
    from provisioner.model.secret import SecretValue
    from provisioner.model.state import Resource, Spec
    from provisioner.ports import Clock, EngineWriter
    from provisioner.reconcile.retry import Answer


# How often an update is sent again because the orchestrator has counted the version up meanwhile, and the pause before.
_ATTEMPTS = 5
_PAUSE = 0.2
# Seconds in which the manager frees a port that no spec has any more.
_RELEASE = 10.0


class SwarmCalls:
    """Calls on services, secrets and configs.

    `contents` gives the bytes of configs and the values of secrets, `origins` the tier
    that each secret's value is from, with the tier's own version.
    """

    def __init__(
        self,
        plan: Plan,
        engine: EngineWriter,
        contents: Mapping[Address, bytes | SecretValue],
        clock: Clock,
        origins: Mapping[Address, str],
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._contents = contents
        self._origins = origins
        self._clock = clock
        self._bases: dict[str, EngineJson] = {}

    def __call__(
        self, step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> str:
        """Make the step's call; returns the id of what was created. Raises ProvisionError when it failed."""
        match step.operation:
            case CreateService():
                return self._create_service(step)
            case Create():
                return self._create_file(step)
            case UpdateService() as update:
                self._update(step, update, step.object_id or made[step.made_by or 0])
            case Relabel():
                self._relabel(step)
            case Remove(kind=kind):
                self._engine.remove(kind, step.object_id)
            case WaitForService() as goal:
                self._wait(step.object_id or made[step.made_by or 0], goal, progress, stopped)
            case _:
                raise AssertionError(step.operation)
        return ""

    def _wait(
        self, identity: str, goal: WaitForService, progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> None:
        """Wait; an update that does not get anywhere in its time is taken back, as Swarm knows no such time."""
        try:
            wait_service(self._engine, identity, goal, clock=self._clock, progress=progress, stopped=stopped)
        except Overdue as overdue:
            raw = self._engine.inspect("service", identity)
            if raw is None or not _would_roll_back(raw):
                raise
            progress("its time is up: it is taken back to the version before")
            self._engine.roll_back_service(identity, int(raw["Version"]["Index"]))
            raise NotConverged(
                overdue.message,
                hint="the version before serves; mend the new one and apply, or --wait-timeout SECONDS waits longer",
                evidence=overdue.evidence,
                taken_back=True,
            ) from overdue

    def _resource(self, address: Address) -> Resource:
        return self._plan.desired.resources[address]

    def _labels(self, wanted: Resource) -> dict[str, str]:
        """Whose an object is, for provision and for other tools."""
        desired = self._plan.desired
        own = ownership_labels(desired.project, wanted.address, wanted.name)
        return own | grouping_labels(desired.grouping, desired.project, wanted.address, wanted.kind)

    def _create_file(self, step: Step) -> str:
        wanted = self._resource(step.address)
        existing = self._engine.inspect(step.kind, wanted.name)
        labels = self._labels(wanted)
        if existing is not None:
            # An interrupted apply made this very version.
            if owned_address(existing["Spec"].get("Labels"), wanted.name, self._plan.desired.project) != step.address:
                raise EngineConflict(f"a {step.kind} named {wanted.name} is there already, and is somebody else's")
            return str(existing["ID"])
        if step.address not in self._contents:
            raise EngineRefused(f"the {step.kind} {wanted.name} is gone", status=404, hint="apply again")
        if step.address in self._origins:
            labels[swarm_file.SOURCE] = self._origins[step.address]
        labels[swarm_file.GENERATION] = str(self._generation(step.address) + 1)
        content = self._contents[step.address]
        data = content if isinstance(content, bytes) else content.reveal()
        return self._engine.create(step.kind, wanted.name, swarm_file.encode(wanted.spec, labels, data))

    def _generation(self, address: Address) -> int:
        """The number of the newest version that was there when the plan was made; 0 where there was none."""
        observed = self._plan.observed
        versions = [seen for seen in (observed.resources.get(address), *observed.superseded) if seen is not None]
        return max(
            (swarm_file.age({"Spec": seen.base})[0] for seen in versions if seen.address == address and seen.base),
            default=0,
        )

    def _relabel(self, step: Step) -> None:
        """Give a config or secret the labels that are declared; those of provision stay."""
        wanted = self._resource(step.address)
        raw = self._engine.inspect(step.kind, step.object_id)
        if raw is None:
            raise EngineRefused(f"the {step.kind} {wanted.name} is gone", status=404, hint="apply again")
        labels = raw["Spec"].get("Labels") or {}
        own = {key: value for key, value in labels.items() if key not in user_labels(labels)}
        spec = {**raw["Spec"], "Labels": {**wanted.spec["labels"], **own}}
        self._engine.update_spec(step.kind, step.object_id, int(raw["Version"]["Index"]), spec)

    def _create_service(self, step: Step) -> str:
        wanted = self._resource(step.address)
        body = service.encode(self._spec(wanted, step), self._wiring(wanted, 0, ""))
        identity = self._when_free(lambda: self._engine.create("service", wanted.name, body))
        self._keep_base(step, identity)
        return identity

    def _when_free(self, call: Callable[[], Answer]) -> Answer:
        """Make a change that takes a port: the manager frees one a moment after it was given up, and tells nobody."""
        until = self._clock.now() + _RELEASE
        return retried(
            call, lambda error: isinstance(error, ClaimTaken) and self._clock.now() <= until,
            attempts=round(_RELEASE / _PAUSE) + 1, pause=_PAUSE, sleep=self._clock.sleep,
        )  # fmt: skip

    def _update(self, step: Step, update: UpdateService, identity: str) -> None:
        def passes(error: EngineRefused | Unreachable) -> bool:
            return isinstance(error, EngineRefused) and error.reason is Reason.OUT_OF_SEQUENCE

        def replace_spec() -> None:
            retried(
                lambda: self._replace_spec(step, update, identity), passes, attempts=_ATTEMPTS, pause=_PAUSE,
                sleep=self._clock.sleep,
            )  # fmt: skip

        self._when_free(replace_spec)
        self._keep_base(step, identity)

    def _keep_base(self, step: Step, identity: str) -> None:
        """Remember what a service is after a step, where another of its updates follows."""
        updates = [other.operation for other in self._plan.steps if other.address == step.address]
        if any(isinstance(update, UpdateService) and update.follows for update in updates):
            self._bases[identity] = (self._engine.inspect("service", identity) or {}).get("Spec") or {}

    def _replace_spec(self, step: Step, update: UpdateService, identity: str) -> None:
        """Replace the spec, if it still is the one that the plan was made from, or that an earlier step made."""
        wanted = self._resource(step.address)
        base = self._bases.get(identity, update.base)
        raw = self._engine.inspect("service", identity)
        if raw is None:
            raise EngineRefused(f"the service {wanted.name} is gone", status=404, hint="apply again")
        # The orchestrator itself counts the version up; only another spec is somebody else's change.
        if raw["Version"]["Index"] != update.version and raw["Spec"] != base:
            raise EngineConflict(
                f"the service {wanted.name} was changed by somebody else since the plan was made",
                hint="look at the new plan and apply again",
            )
        count = int((raw["Spec"].get("TaskTemplate") or {}).get("ForceUpdate") or 0)
        forced = count + 1 if update.force else count
        body = service.encode(self._spec(wanted, step), self._wiring(wanted, forced, service.pinned(raw)))
        service.keep(body, raw["Spec"], update.changed | ({service.ENDPOINT} if update.stage else set()))
        self._engine.update_spec("service", identity, int(raw["Version"]["Index"]), body)

    def _spec(self, wanted: Resource, step: Step) -> Spec:
        """What is sent: complete, with the image's own command where its entrypoint alone is cleared.

        While ports pass, those of the step.
        """
        stage = stage_of(step.operation)
        spec = {**wanted.spec, "ports": stage.ports} if stage is not None else wanted.spec
        if spec["entrypoint"] == []:
            raw = self._engine.inspect("image", str(spec["image"]))
            spec = service.with_image_command(spec, image_facts(dict(raw)) if raw else None)
        if spec["entrypoint"] == []:
            raise EngineRefused(
                f"'entrypoint' is empty, and what {spec['image']} runs without one is not known to this engine",
                hint="say the `command` too",
            )
        return spec

    def _wiring(self, wanted: Resource, force_update: int, pinned: str) -> EncodeContext:
        resources = self._plan.desired.resources
        project = self._plan.desired.project
        volumes = {
            r.name: _volume_options(r, project) for r in resources.values() if r.kind == "volume" and not r.external
        }
        return EncodeContext(
            name=wanted.name,
            labels=self._labels(wanted),
            image=self._image(wanted, pinned),
            networks={a.name: r.name for a, r in resources.items() if a.kind == "network"},
            files=self._files(wanted),
            volumes=volumes,
            force_update=force_update,
        )

    def _image(self, wanted: Resource, pinned: str) -> str:
        """The reference pinned to a digest: the one of the last apply while the reference is the same, else the one
        that the registry had when the plan was made.

        An image that no registry knows is taken as it is on the node, as is one that was built here.
        """
        reference = str(wanted.workload_spec["image"])
        if "@" in reference:
            return reference
        if wanted.spec["build"]:
            return self._pushed(reference)
        if wanted.spec["digest"]:
            return f"{reference}@{wanted.spec['digest']}"
        if pinned.partition("@")[0] == reference and "@" in pinned:
            return pinned
        digest = self._plan.pins.get(reference)
        return f"{reference}@{digest}" if digest else reference

    def _pushed(self, reference: str) -> str:
        """What was built here as its registry has it, if it was pushed: the other nodes get the very same."""
        raw = self._engine.inspect("image", reference) or {}
        repository = reference.rpartition("/")[0] + "/" + reference.rpartition("/")[2].partition(":")[0]
        digests = [str(repo_digest) for repo_digest in raw.get("RepoDigests") or ()]
        digest = next(
            (repo_digest.partition("@")[2] for repo_digest in digests if repo_digest.partition("@")[0] == repository),
            "",
        )
        return f"{reference}@{digest}" if digest else reference

    def _files(self, wanted: Resource) -> dict[Address, tuple[str, str]]:
        files: dict[Address, tuple[str, str]] = {}
        for address, _ in file_entries(wanted.spec):
            name = self._file_name(address)
            raw = self._engine.inspect(address.kind, name)
            if raw is None:
                raise EngineRefused(f"the {address.kind} {name} is gone", status=404, hint="apply again")
            files[address] = (str(raw["ID"]), name)
        return files

    def _file_name(self, address: Address) -> str:
        """The name of the version that is wanted: that of an adopted one is not what an apply would call it."""
        wanted, seen = self._resource(address), self._plan.observed.resources.get(address)
        is_there = seen is not None and seen.file_spec.get("version") == wanted.file_spec["version"]
        return seen.name if seen is not None and is_there else wanted.name


def _would_roll_back(raw: EngineJson) -> bool:
    """Whether an update is under way that its policy would take back if it failed."""
    under_way = (raw.get("UpdateStatus") or {}).get("State") == "updating"
    rolls_back = ((raw["Spec"].get("UpdateConfig") or {}).get("FailureAction")) == "rollback"
    return under_way and rolls_back and bool(raw.get("PreviousSpec"))


def _volume_options(resource: Resource, project: str) -> EngineBody:
    body = volume.encode(resource.spec, ownership_labels(project, resource.address, resource.name))
    options: EngineBody = {"Labels": body["Labels"]}
    if "Driver" in body or "DriverOpts" in body:
        options["DriverConfig"] = {"Name": body.get("Driver", "local"), "Options": body.get("DriverOpts") or {}}
    return options
