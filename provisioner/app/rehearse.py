"""`rehearse`: prove an archive by restoring it into a copy of the environment that is made for it and removed.

The copy stands under another name beside the real one: no port is published, no fixed name or address is taken, nothing
of the real one is mounted. What can not be copied so is refused.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.app.backup import Saving, open_places
from provisioner.app.destroy import destroy_playbook, plan_removal
from provisioner.app.load import load_document
from provisioner.app.platform import choose_platform
from provisioner.app.restore import opened
from provisioner.app.restore_plan import origin_of, plan_restore
from provisioner.app.restore_steps import NeverInterrupted, Work
from provisioner.app.restore_work import Restoration
from provisioner.app.wiring import held_lease, open_engine, tier_context
from provisioner.backup.archive import find_archive
from provisioner.backup.volumes import recover
from provisioner.errors import Interrupted, PlaybookInvalid, ProvisionError, Unsafe
from provisioner.ledger.records import read_ledger
from provisioner.model.backup import BackupPolicy
from provisioner.model.dataclass import dataclass
from provisioner.model.event import Notice
from provisioner.model.node import from_plain
from provisioner.model.plan import Policy
from provisioner.model.span import Problem, Span
from provisioner.playbook.bind import bind
from provisioner.secrets.fingerprint import key_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.backup.archive import Archive
    from provisioner.document import Document
    from provisioner.ledger.lease import Lease
    from provisioner.model.playbook import Check, Playbook
    from provisioner.model.verification import CheckResult
    from provisioner.ports import Interrupt, Listener

SUFFIX = "-rehearsal"
_REHEARSAL = "provisioner.rehearsal"
_EVERYTHING = Policy(volumes=True, history=True)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rehearsal has proven: the archive was read, restored in so many `seconds`, and these `checks` held in the
    copy. `skipped` are the checks that only the real environment can answer."""

    title: str
    archive: Archive
    seconds: float
    checks: tuple[CheckResult, ...]
    skipped: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 where every check held."""
        return 0 if all(check.ok for check in self.checks) else 1


def rehearse(
    request: Request, name: str, identity: str | None, *, listener: Listener, interrupt: Interrupt
) -> Rehearsal:
    """Restore an archive into a copy, verify it there, and remove the copy, whatever happened.

    ProvisionError for an archive that is damaged, and for one that can not be restored; PlaybookInvalid for an
    environment that can not stand twice on one engine.
    """
    real = bind(load_document(request))
    copied = replace(request, project_name=real.project + SUFFIX)
    playbook, skipped = copy_of(load_document(copied), real)
    places = open_places(request, real)
    archive = find_archive(places, real.project, name)
    identities = opened(archive, identity, listener)
    engine = open_engine(request, real.engine)
    platform = choose_platform(playbook, engine)
    copy = _Copy(copied, Saving(playbook, engine, platform, places), listener)
    with interrupt.deferred():
        copy.claim()
        began = time.monotonic()
        try:
            with held_lease(engine, playbook.project, platform, listener) as held:
                checks = copy.restore(archive, identities, held, interrupt)
            return Rehearsal(real.title, archive, time.monotonic() - began, checks, skipped)
        except KeyboardInterrupt:
            raise Interrupted("interrupted, so that nothing is proven; the copy is removed") from None
        finally:
            copy.remove()


def copy_of(document: Document, real: Playbook) -> tuple[Playbook, tuple[str, ...]]:
    """The playbook of a copy that can stand beside `real`, and the names of the checks that it can not answer.

    PlaybookInvalid, naming each, for what the copy would share with the real one and could change there.
    """
    tree: Any = document.root.plain()
    problems: list[Problem] = []
    for name, service in (tree.get("services") or {}).items():
        problems += _shared(name, service)
        for key in ("ports", "container_name", "mac_address"):
            service.pop(key, None)
        for attachment in (service.get("networks") or {}).values():
            for key in ("ipv4_address", "ipv6_address", "mac_address"):
                (attachment or {}).pop(key, None)
    for section in ("networks", "volumes"):
        for key, body in (tree.get(section) or {}).items():
            problems += _taken(section, key, body, document.project, real)
    if problems:
        raise PlaybookInvalid(problems)
    kept: list[Check] = []
    skipped: list[Check] = []
    playbook = bind(replace(document, root=from_plain(tree, Span("the copy"))))
    for check in playbook.checks:
        (kept if _stays_inside(check) else skipped).append(check)
    return (
        replace(playbook, checks=tuple(kept), backup=BackupPolicy(to=playbook.backup.to)),
        tuple(check.name for check in skipped),
    )


def _shared(name: str, service: Any) -> list[Problem]:
    """What a service has in common with the host."""
    path = f"services.{name}"
    problems = []
    for key in ("network_mode", "pid", "ipc"):
        if service.get(key) == "host":
            problems.append(Problem(f"{path}.{key}: a copy would share the host's", None, "", "rehearse it elsewhere"))
    for mount in service.get("volumes") or ():
        if mount.get("type") == "bind" and not mount.get("read_only"):
            text = f"{path}: a copy would write to {mount.get('source')}, which is the real one's"
            problems.append(Problem(text, None, "", "mount it read-only, or use a named volume"))
    return problems


def _taken(section: str, key: str, body: Any, project: str, real: Playbook) -> list[Problem]:
    """Make an object the copy's own. A problem for one that somebody else provides and the copy could write to."""
    if body.get("external"):
        if section == "volumes":
            text = f"volumes.{key} is external: a copy would write to the real data"
            return [Problem(text, None, "", "declare it in the playbook, or rehearse with another playbook")]
        return []
    declared = getattr(real, section).get(key)
    if declared is not None and body.get("name") == declared.name:
        body["name"] = f"{project}_{key}"
    if section == "networks":
        body.pop("ipam", None)
    else:
        body["protect"] = False
    return []


def _stays_inside(check: Check) -> bool:
    """Whether a check asks a container, and not a port of the host, which the copy does not publish."""
    if check.kind == "tcp":
        return check.arguments.get("from") not in (None, "host")
    return check.kind == "exec"


class _Copy:
    """The environment that is made for one rehearsal.

    A container that never starts says on the engine that what stands under this name is a rehearsal's, and may be
    removed with its data: it is made before the copy and removed after it.
    """

    def __init__(self, request: Request, saving: Saving, listener: Listener) -> None:
        self.request = request
        self.saving = saving
        self.engine = saving.engine
        self.project = saving.project
        self.listener = listener

    def claim(self) -> None:
        """Take the name; what a killed rehearsal has left under it is removed.

        Unsafe, and nothing is touched, where another environment has the name; LeaseHeld while a rehearsal goes on.
        """
        if self._mark() is None:
            self._require_free()
            labels = {_REHEARSAL: self.project}
            body = {"Image": "", "Cmd": ["rehearsal"], "Labels": labels, "HostConfig": {"NetworkMode": "none"}}
            self.engine.create("container", self._mark_name, body)
            return
        self.listener(Notice(f"{self.project}, which a rehearsal that was killed has left, is removed"))
        self._clear()

    def restore(
        self, archive: Archive, identities: Sequence[str] | None, held: Lease, interrupt: Interrupt
    ) -> tuple[CheckResult, ...]:
        """Bring the copy up on the archive's data; how its checks ended. ProvisionError where that fails."""
        plan = plan_restore(self.saving, origin_of(archive), archive.manifest.parts, replace=False)
        if plan.refusals:
            raise Unsafe("\n".join(str(problem) for problem in plan.refusals))
        work = Work(self.request, self.saving, held, self.listener, interrupt)
        return Restoration(work, plan, archive, identities).replace_data(verify=True).checks

    def remove(self) -> None:
        """Take the copy away with its data, its history and its key. ProvisionError where something of it stays."""
        self._clear()
        mark = self._mark()
        if mark is not None:
            self.engine.remove("container", str(mark["Id"]))

    def _clear(self) -> None:
        with held_lease(self.engine, self.project, self.saving.platform, self.listener):
            recover(self.engine, self.project)
        done = destroy_playbook(
            self.saving.playbook, self.engine, _EVERYTHING, approve=lambda plan: True, listener=self.listener,
            interrupt=NeverInterrupted(),
        )  # fmt: skip
        if done.exit_code:
            raise ProvisionError(
                f"the copy {self.project} could not be removed whole",
                hint="the next `provision rehearse` removes it; it holds a copy of the real data until then",
            )
        key_file(tier_context(self.request, self.saving.playbook, None)).unlink(missing_ok=True)

    def _require_free(self) -> None:
        standing = plan_removal(self.saving.playbook, self.engine, _EVERYTHING).observed.resources
        if standing or not read_ledger(self.engine, self.project).is_empty:
            raise Unsafe(
                f"another environment is called {self.project}, the name that a rehearsal needs",
                hint="rehearse on another engine, or give that environment another name",
            )

    @property
    def _mark_name(self) -> str:
        return f"{self.project}.rehearsal"

    def _mark(self) -> Mapping[str, Any] | None:
        raw = self.engine.inspect("container", self._mark_name)
        if raw is not None and (raw["Config"].get("Labels") or {}).get(_REHEARSAL) != self.project:
            raise Unsafe(f"the container {self._mark_name} stands in the way, and is not ours", hint="rename it")
        return raw
