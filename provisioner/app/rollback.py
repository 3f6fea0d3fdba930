"""`rollback`: apply an earlier revision again, with the very versions that it had, or say which can not be had."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from provisioner.app.apply import ApplyResult, apply_playbook
from provisioner.app.configs import config_contents, content_version
from provisioner.app.drift import differences, since
from provisioner.app.external_inputs import ExternalInputs
from provisioner.app.history import find, open_environment
from provisioner.app.image_inputs import build_digests, registry_digests
from provisioner.app.plan import prepare
from provisioner.app.secret_inputs import origin, resolve_secrets, short
from provisioner.errors import PlaybookInvalid, ProvisionError, SecretUnavailable, Unsafe
from provisioner.kinds.image import BUILD_LABEL
from provisioner.ledger.records import read_ledger
from provisioner.ledger.revisions import playbook_of, recorded_inputs
from provisioner.ledger.rollback_target import rollback_target
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Held
from provisioner.model.unused import Undeployed
from provisioner.platforms.lowering import HELD, InputVersions
from provisioner.secrets.uses import build_secrets, environment_uses

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from provisioner.app.external_inputs import Collect
    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.ledger.records import Ledger
    from provisioner.ledger.revisions import Revision
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.secret import SecretValue
    from provisioner.ports import EngineReader, Interrupt, Listener
    from provisioner.secrets.fingerprint import FingerprintKey


@dataclass(frozen=True, slots=True)
class Target:
    """What a rollback goes to. `remarks` are told with the plan."""

    revision: Revision
    playbook: Playbook
    engine: DockerEngine
    remarks: tuple[str, ...] = ()


def rollback(
    request: Request,
    number: int | None,
    policy: Policy,
    *,
    current: bool,
    approve: Callable[[Plan], bool],
    listener: Listener,
    verify: bool,
    interrupt: Interrupt,
) -> ApplyResult:
    """Apply revision `number`, or the one before the last. With `current`, what can not be had is as it is today."""
    target = find_target(request, number)
    return apply_playbook(
        request, target.playbook, target.engine, policy, approve=approve, listener=listener, verify=verify,
        interrupt=interrupt, gathering=_Recorded(target, current=current), restores=target.revision.number,
    )  # fmt: skip


def plan_rollback(request: Request, number: int | None, policy: Policy, *, current: bool) -> Plan:
    """What a rollback would do. Reads only."""
    target = find_target(request, number)
    return prepare(request, target.playbook, target.engine, policy, _Recorded(target, current=current)).plan


def course_of(target: Target, *, current: bool) -> Collect:
    """What gathers the inputs that a revision was applied with."""
    return _Recorded(target, current=current)


def find_target(request: Request, number: int | None) -> Target:
    """The revision to go to, without a number the last good one that is not what there is now."""
    today, engine = open_environment(request)
    ledger = read_ledger(engine, today.project)
    kept = ledger.revisions
    remarks: tuple[str, ...] = ()
    revision = last = find(kept, number, today.title)
    if number is None:
        revision = rollback_target(ledger, today.title)
        remarks = _unlike(engine, ledger, last)
    try:
        playbook = playbook_of(revision, today.project)
    except PlaybookInvalid as error:
        raise ProvisionError(
            f"revision {revision.number} was kept by a version whose documents this one can not read",
            hint="check the playbook out as it was, and apply it",
            detail=str(error),
        ) from None
    # Files beside the playbook, such as .env.local, are where they are today, and so are the variables of env files.
    # By the playbook's own files other tools know a project: they ask for those of today.
    # What they call external today is not this environment's to remove, and who is inactive today is declared.
    playbook = replace(
        playbook,
        directory=today.directory,
        documents=today.documents,
        in_reach=today.in_reach,
        undeployed=_left_out_today(today),
    )
    return Target(revision, playbook, engine, (f"goes to revision {revision.number}", *remarks))


def _left_out_today(today: Playbook) -> tuple[Undeployed, ...]:
    sections = {
        "networks": today.networks,
        "volumes": today.volumes,
        "configs": today.configs,
        "secrets": today.secrets,
    }
    external = (
        Undeployed(section, declared.key, declared.name, declared.body.span, external=True)
        for section, objects in sections.items()
        for declared in objects.values()
        if declared.external
    )
    return (*today.undeployed, *external)


def _unlike(engine: EngineReader, ledger: Ledger, last: Revision) -> tuple[str, ...]:
    if ledger.left:
        return ()
    desired, observed = since(engine, ledger, last)
    if not differences(desired, observed):
        return ()
    return (
        f"the engine is not as revision {last.number} left it, so something was changed after it: "
        f"`provision rollback {last.number}` brings back that one",
    )


@dataclass(slots=True)
class _RollbackInputs:
    """What could be had, and what could not with the reason."""

    versions: dict[Address, str]
    contents: dict[Address, bytes | SecretValue] = field(default_factory=dict, repr=False)
    origins: dict[Address, str] = field(default_factory=dict)
    builds: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    lost: dict[Address, str] = field(default_factory=dict)
    signer: FingerprintKey | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """Gathers what a revision was applied with: from the engine where it still has it, else from the files and tiers
    of today where they still are what they were.
    """

    target: Target
    current: bool

    def __call__(
        self, request: Request, playbook: Playbook, engine: EngineReader, platform: Platform
    ) -> ExternalInputs:
        """Raises SecretUnavailable, or Unsafe, for what can not be had."""
        recorded = recorded_inputs(self.target.revision)
        gathered = _RollbackInputs(dict(recorded.versions), builds=dict(recorded.builds))
        missing = self._missing(playbook, engine, platform, self._builds(gathered, playbook, engine))
        self._configs(
            gathered, request, playbook, platform, [address.name for address in missing if address.kind == "config"]
        )
        self._secrets(
            gathered,
            request,
            playbook,
            engine,
            platform,
            [address.name for address in missing if address.kind == "secret"],
        )
        if gathered.lost and not self.current:
            raise self._refusal(gathered)
        return ExternalInputs(
            inputs=InputVersions(
                builds=gathered.builds,
                versions=gathered.versions,
                registry=registry_digests(playbook, engine),
                kept=gathered.kept,
                origins={
                    **recorded.origins,
                    **{address: text.partition(":")[0] for address, text in gathered.origins.items()},
                },
                profiles=recorded.profiles,
            ),
            contents=gathered.contents,
            origins=gathered.origins,
            signer=gathered.signer,
            messages=(
                *self.target.remarks,
                *(f"{address}: {why}; that of today is taken" for address, why in gathered.lost.items()),
            ),
        )

    def _missing(
        self, playbook: Playbook, engine: EngineReader, platform: Platform, builds: Collection[str]
    ) -> list[Address]:
        """The configs and secrets whose contents are needed: the engine has not their recorded versions, or they go
        into one of `builds` or an environment.
        """
        inputs = recorded_inputs(self.target.revision)
        needed = platform.missing_files(platform.lower(playbook, inputs), engine, self.target.revision.files)
        needed |= {Address("secret", key) for _, _, key, _ in environment_uses(playbook)}
        needed |= {Address("secret", key) for name in builds for key in build_secrets(playbook.services[name].body)}
        return [address for address in inputs.versions if address in needed]

    def _configs(
        self, gathered: _RollbackInputs, request: Request, playbook: Playbook, platform: Platform, keys: list[str]
    ) -> None:
        for key in keys:
            address = Address("config", key)
            declared = playbook.configs.get(key)
            if declared is None:
                continue
            try:
                content = config_contents(request, replace(playbook, configs={key: declared}), platform).get(key)
            except PlaybookInvalid as error:
                gathered.lost[address] = error.problems[0].message
                continue
            if content is None:
                continue
            gathered.contents[address] = content
            if content_version(content) != gathered.versions[address]:
                file = declared.body.get("file")
                gathered.lost[address] = f"{file.value if file else 'its content'} has changed since"
                gathered.versions[address] = content_version(content)

    def _secrets(
        self,
        gathered: _RollbackInputs,
        request: Request,
        playbook: Playbook,
        engine: EngineReader,
        platform: Platform,
        missing: list[str],
    ) -> None:
        keys = {*missing} & playbook.secrets.keys()
        # One that the engine has under another name only may have been moved: with its value that can be told.
        applied = platform.applied_versions(engine, playbook.project)
        renamed = {a.name for a in gathered.versions if a.kind == "secret" and a not in applied}
        renamed = (renamed & playbook.secrets.keys()) - keys
        if not keys | renamed:
            return
        secrets = resolve_secrets(request, playbook, engine, platform, {}, needed=keys, read=keys | renamed)
        gathered.signer = secrets.signer
        if keys and not secrets.key:
            raise SecretUnavailable(
                f"whether the values of today are those of revision {self.target.revision.number} can not be told: "
                "the fingerprint key is missing",
                hint="bring the key from where it was applied (provision secrets key export there, import here)",
            )
        for key in sorted(keys | renamed):
            address, answer = Address("secret", key), secrets.resolutions[key]
            if key in renamed and not (
                isinstance(answer, Found) and short(answer.fingerprint) == gathered.versions[address]
            ):
                continue
            if isinstance(answer, Found):
                now = short(answer.fingerprint)
                gathered.contents[address], gathered.origins[address] = answer.value, origin(answer)
            elif isinstance(answer, Held):
                held = secrets.held.get(key)
                now = held.version if held and answer == held.answer else f"{HELD}{answer.name}"
            else:
                continue
            if now != gathered.versions[address]:
                place = f"the {platform.title} has it no more"
                gathered.lost[address] = (
                    f"the value that it had can not be had any more ({place}, and {answer.tier} has another one now)"
                )
                gathered.versions[address] = now

    def _builds(self, gathered: _RollbackInputs, playbook: Playbook, engine: EngineReader) -> set[str]:
        """Find the images that were built; returns the services whose images are to be built anew."""
        anew = set()
        for key, service in playbook.services.items():
            wanted = gathered.builds.get(key)
            if not service.builds or wanted is None:
                continue
            tagged = engine.inspect("image", service.image)
            if tagged is not None and ((tagged.get("Config") or {}).get("Labels") or {}).get(BUILD_LABEL) == wanted:
                continue
            images = engine.list("image", {BUILD_LABEL: wanted})
            if images:
                gathered.kept[key] = str(max(images, key=lambda image: int(image.get("Created") or 0))["Id"])
                continue
            # What another tool built carries no label of ours; it is known by its id.
            identity = self.target.revision.images.get(key)
            if identity and engine.inspect("image", identity) is not None:
                gathered.kept[key] = identity
                continue
            now = build_digests(playbook, {key})[key]
            anew.add(key)
            if now != wanted:
                gathered.lost[Address("image", key)] = (
                    "it was built from files that have changed since, and the engine has it no more"
                )
                gathered.builds[key] = now
        return anew

    def _refusal(self, gathered: _RollbackInputs) -> ProvisionError:
        number = self.target.revision.number
        lines = [
            f"revision {number} can not be brought back as it was",
            *(f"{n}: {why}" for n, why in gathered.lost.items()),
        ]
        hint = "bring back what it was made of and try again; --with-current takes what is there today in its place"
        secret = any(address.kind == "secret" for address in gathered.lost)
        return SecretUnavailable("\n".join(lines), hint=hint) if secret else Unsafe("\n".join(lines), hint=hint)
