"""Backups, restores and clones that die at every call of theirs, on the engine in memory.

Nothing is lost, nothing is half, and no data of another environment are in the open before they are masked.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import apply_request as apply_module
from provisioner.app import backup as backup_module
from provisioner.app import begin as begin_module
from provisioner.app import clone as clone_module
from provisioner.app import history as history_module
from provisioner.app import one_off as one_off_module
from provisioner.app import scale as scale_module
from provisioner.app import service_work as service_module
from provisioner.app import status as status_module
from provisioner.app import up as up_module
from provisioner.app.backup import backup
from provisioner.app.clone import clone
from provisioner.app.create import create
from provisioner.app.one_off import RunOptions, run_one_off
from provisioner.app.request import Request
from provisioner.app.restart import restart
from provisioner.app.restore import Options, restore
from provisioner.app.rollback_data import rollback_with_data
from provisioner.app.scale import scale
from provisioner.app.start_stop import start
from provisioner.app.undo import undo
from provisioner.app.up import UpOptions, up
from provisioner.backup.tar_check import TarCheck
from provisioner.errors import Interrupted, ProvisionError
from provisioner.ledger.adoptions import with_adoptions
from provisioner.ledger.records import read_ledger
from provisioner.model.address import Address
from provisioner.model.plan import Policy
from provisioner.playbook.one_off import OneOff
from provisioner.render.restore_text import restore_plan_text
from tests.unit.app.data_in_memory import DataInMemory
from tests.unit.app.in_memory import Undisturbed, service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from provisioner.app.apply import ApplyResult
    from provisioner.app.restore import RestoreResult
    from provisioner.app.restore_plan import RestorePlan
    from provisioner.app.undo import UndoResult

_ENGINES = (
    backup_module, begin_module, history_module, one_off_module, scale_module, service_module, status_module, up_module,
)  # fmt: skip

OLD = {"rows": b"old rows", "a": b"old a", "only-old": b"x"}
NEW = {"rows": b"secret rows", "a": b"secret a", "b": b"plain b"}


def document(project: str, folder: Path, *, mask: list[str] | None = None, port: int = 0) -> dict[str, Any]:
    store = {"command": ["dump", "rows"], "restore": ["load", "rows"], "replaces": ["rows"]}
    keeper: dict[str, Any] = {"volumes": ["files:/data"]}
    if mask:
        keeper["backup"] = {"mask": [*mask, "a"]}
        store["mask"] = [*mask, "rows"]
    ports = {"ports": [f"{port}:80"]} if port else {}
    return {
        "name": project,
        "services": {
            "store": service(volumes=["rows:/data"], backup=store, **ports),
            "keeper": service(**keeper, depends_on=["store"]),
            "web": service(**({"ports": [f"{port + 1}:80"]} if port else {})),
        },
        "volumes": {"rows": {}, "files": {}},
        "backup": {"to": str(folder / "archives")},
    }


def addressed(addresses: Sequence[str]) -> tuple[Address, ...]:
    return tuple(address for one in addresses if (address := Address.parse(one)) is not None)


class Two:
    """A source and a target on one engine; what the target's volumes hold, and what was seen in the open."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.engine = DataInMemory()
        self.engine.add_image("app:1", {"Cmd": ["run"]})
        self.seen: list[str] = []
        for module in _ENGINES:
            patch.setattr(module, "open_engine", lambda request, choice, **how: with_adoptions(self.engine))

    def write(self, name: str, **more: Any) -> None:
        (self.folder / f"{name}.yaml").write_text(json.dumps(document(name, self.folder, **more)))

    def request(self, name: str) -> Request:
        return Request(files=(str(self.folder / f"{name}.yaml"),), directory=str(self.folder))

    def apply(self, name: str) -> ApplyResult:
        return apply_module.apply(
            self.request(name), Policy(), {}, approve=lambda plan: True, listener=lambda event: None, verify=False,
            interrupt=Undisturbed(),
        )  # fmt: skip

    def hold(self, name: str, rows: dict[str, bytes]) -> None:
        """Put data into an environment's two volumes."""
        for volume in ("rows", "files"):
            home = f"/var/lib/docker/volumes/{name}_{volume}/_data"
            kept = {key: value for key, value in rows.items() if (key == "rows") == (volume == "rows")}
            self.engine._files[home] = {f"/{key}": value for key, value in kept.items()}

    def data(self, name: str) -> dict[str, bytes]:
        found = {**self.engine.files(f"{name}_rows"), **self.engine.files(f"{name}_files")}
        return {key.strip("/"): value for key, value in found.items()}

    def running(self, name: str) -> set[str]:
        return {
            raw["Name"].strip("/")
            for raw in self.engine._containers.values()
            if raw["Name"].startswith(f"/{name}-") and raw["State"]["Running"]
        }

    def look(self) -> None:
        """Note what is in the open while the target's data are not masked."""
        if not any(b"secret" in content for content in self.data("target").values()):
            return
        for raw in self.engine._containers.values():
            if raw["Name"].startswith("/target-") and raw["State"]["Running"]:
                published = raw["HostConfig"].get("PortBindings")
                if published or raw["Name"] == "/target-web-1":
                    self.seen.append(raw["Name"])

    def backup(self, name: str) -> str:
        return backup(self.request(name), (), on_item=lambda part: None, interrupt=Undisturbed()).id

    def restore(self, name: str, archive: str = "latest", *addresses: str, prune: bool = False) -> RestoreResult:
        return restore(
            self.request(name), archive, addressed(addresses), Options(replace=True, prune=prune),
            approve=lambda plan: True,
            listener=lambda event: None, interrupt=Undisturbed(),
        )  # fmt: skip

    def clone(self) -> RestoreResult:
        return clone(
            self.request("source"), self.request("target"), Options(replace=True), approve=lambda plan: True,
            command="provision clone source target --replace", listener=lambda event: None, interrupt=Undisturbed(),
        )  # fmt: skip

    def archives(self) -> list[str]:
        return sorted(one.name for one in (self.folder / "archives").iterdir())

    def go_back(self, number: int) -> RestoreResult:
        return rollback_with_data(
            self.request("target"), number, Options(replace=True), current=False,
            approve=lambda ahead, plan: True, listener=lambda event: None, interrupt=Undisturbed(),
        )  # fmt: skip

    def undo(self, name: str, *addresses: str) -> UndoResult:
        return undo(
            self.request(name), addressed(addresses), approve=lambda plan: True, listener=lambda event: None,
            interrupt=Undisturbed(),
        )  # fmt: skip


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    assert vars(clone_module)["open_saving"] is backup_module.open_saving
    return Two(tmp_path, monkeypatch)


def cloned(two: Two, mask: str = "mask", *, held: bool = True) -> None:
    """A source with data, and a target that has some, or none."""
    two.write("source", port=8000)
    two.write("target", mask=[mask], port=9000)
    assert two.apply("source").exit_code == 0
    two.hold("source", NEW)
    assert two.apply("target").exit_code == 0
    two.hold("target", OLD if held else {})
    two.engine.count = 0


def died(two: Two, act: Callable[[], object], at: int, *, after: bool) -> bool:
    """Let the process die at a call; whether it came so far. What it left is there, and the next process begins."""
    two.engine.count, two.engine.die_at, two.engine.dies_after = 0, at, after
    with contextlib.suppress(ProvisionError):
        act()
    was = two.engine.dead
    two.engine.revive("target")
    two.engine.revive("source")
    return was


MASKED = {"rows": b"masked rows", "a": b"masked a", "b": b"plain b"}


def test_a_clone_is_masked_before_anybody_can_see_it(two: Two) -> None:
    cloned(two)
    two.engine.watch = two.look
    two.engine.watch()
    done = two.clone()
    assert (done.exit_code, done.plan.masks) == (0, ("store", "keeper"))
    assert two.data("target") == MASKED
    assert (two.data("source"), two.seen) == (NEW, [])
    assert two.running("target") == {"target-store-1", "target-keeper-1", "target-web-1"}
    assert two.apply("target").report is None


@pytest.mark.parametrize("held", [True, False])
def test_a_mask_that_fails_leaves_nothing_unmasked(two: Two, held: bool) -> None:
    cloned(two, "broken", held=held)
    two.engine.watch = two.look
    with pytest.raises(ProvisionError, match=r"could not be masked.*the data of before are back"):
        two.clone()
    assert two.data("target") == (OLD if held else {})
    assert two.seen == []
    assert two.apply("target").exit_code == 0


def test_a_target_without_the_masks_of_the_source_is_refused(two: Two) -> None:
    cloned(two)
    two.write("source", mask=["mask"])
    two.write("target")
    done = two.clone()
    said = [problem.message for problem in done.plan.refusals]
    assert said == [
        f"service.{name} of source has a `backup.mask`, and that of target has none" for name in ("keeper", "store")
    ]
    assert two.data("target") == OLD


def test_nothing_of_the_source_is_replaced(two: Two) -> None:
    cloned(two)
    with pytest.raises(ProvisionError, match="are one environment"):
        clone(
            two.request("source"), two.request("source"), Options(replace=True), approve=lambda plan: True, command="",
            listener=lambda event: None, interrupt=Undisturbed(),
        )  # fmt: skip
    shared = document("target", two.folder, mask=["mask"])
    shared["volumes"]["files"] = {"external": True, "name": "source_files"}
    (two.folder / "target.yaml").write_text(json.dumps(shared))
    done = two.clone()
    assert any("the volume source_files is that of source too" in str(one) for one in done.plan.refusals)
    assert two.data("source") == NEW


# More calls than a clone makes; one that is not reached is nothing to look at.
CALLS = 110


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS, 3))
def test_a_clone_that_is_killed(two: Two, at: int, after: bool) -> None:
    cloned(two, held=at % 2 == 0)
    old = two.data("target")
    two.engine.watch = two.look
    if not died(two, two.clone, at, after=after):
        assert two.data("target") == MASKED
        return
    finish_or_undo(two, two.clone, old, MASKED, finishes=at % 4 < 2)
    assert not set(two.seen), "data were in the open before they were masked"


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS, 3))
def test_a_restore_that_is_killed(two: Two, at: int, after: bool) -> None:
    two.write("target")
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    archive = two.backup("target")
    two.hold("target", OLD if at % 2 else {})
    old = two.data("target")
    if not died(two, lambda: two.restore("target", archive), at, after=after):
        assert two.data("target") == NEW
        return
    finish_or_undo(two, lambda: two.restore("target", archive), old, NEW, finishes=at % 4 < 2)


def finish_or_undo(
    two: Two, again: Callable[[], RestoreResult], old: dict[str, bytes], new: dict[str, bytes], *, finishes: bool
) -> None:
    """After a death: an apply is refused where the data may be half, and either way out leads to what it says."""
    record = two.engine.inspect("container", "target.restore")
    status = status_module.status(two.request("target"))
    assert bool(status.restore) == (record is not None)
    if record is None:
        assert two.data("target") in (old, new)
        assert two.apply("target").exit_code == 0
    else:
        refused = two.apply("target")
        assert (refused.exit_code, refused.report) == (1, None)
        assert "restore --undo" in str(refused.plan.refusals[-1])
    if finishes or record is None:
        assert again().exit_code == 0
        assert two.data("target") == new
    else:
        assert two.undo("target").exit_code == 0
        assert two.data("target") == old
    assert two.engine.inspect("container", "target.restore") is None
    assert two.apply("target").report is None


def on_target(two: Two) -> dict[str, Callable[[], object]]:
    """Everything that would start a service on the target's data, or save them."""
    about = two.request("target")
    unheard: dict[str, Any] = {"listener": lambda event: None, "interrupt": Undisturbed()}
    return {
        "start": lambda: start(about, (), wait_until_ready=False, timeout=1.0, **unheard),
        "restart": lambda: restart(about, (), grace=None, dependents=False, **unheard),
        "create": lambda: create(about, UpOptions(), {}, **unheard),
        "up": lambda: up(about, Policy(), {}, UpOptions(), approve=lambda plan: True, **unheard),
        "up of one": lambda: up(
            about, Policy(), {}, UpOptions(("web",), alone=True), approve=lambda plan: True, **unheard
        ),
        "scale": lambda: scale(
            about, Policy(), {"web": 2}, dependencies=False, approve=lambda plan: True, **unheard
        ),
        "run": lambda: run_one_off(
            about, OneOff("store", ("date",)), RunOptions(detach=True), home="/", tell=lambda text: None,
            open_listener=lambda: contextlib.nullcontext(lambda event: None), interrupt=Undisturbed(),
        ),
        "backup": lambda: two.backup("target"),
    }  # fmt: skip


@pytest.mark.parametrize("at", [25, 45])
@pytest.mark.parametrize("act", ["start", "restart", "create", "up", "up of one", "scale", "run", "backup"])
def test_nothing_is_started_on_data_that_may_be_half(two: Two, act: str, at: int) -> None:
    cloned(two)
    assert died(two, two.clone, at, after=False)
    before = two.running("target"), two.data("target"), len(two.engine._containers)
    try:
        result = on_target(two)[act]()
        said = str(result.plan.refusals)  # type: ignore[attr-defined]
    except ProvisionError as error:
        said, code = f"{error.message} {error.hint}", error.exit_code
        assert code == 1
    assert "a restore did not come to its end" in said
    assert "provision clone source target --replace" in said
    assert "provision restore --undo" in said
    assert (two.running("target"), two.data("target"), len(two.engine._containers)) == before
    assert two.clone().exit_code == 0
    assert two.data("target") == MASKED


@pytest.mark.parametrize("at", range(1, 7))
def test_a_full_disk_at_the_target_puts_the_old_data_back(two: Two, at: int) -> None:
    """Which of the copies aside, of the new volumes and of the dump has no room any more."""
    cloned(two)
    two.engine.full_at = at
    try:
        done = two.clone()
        assert (done.exit_code, two.data("target")) == (0, MASKED)
        return
    except ProvisionError as error:
        assert "no space left on device" in error.message
    two.engine.full_at = None
    assert two.data("target") == OLD
    assert two.engine.inspect("container", "target.restore") is None
    assert two.apply("target").exit_code == 0
    assert two.clone().exit_code == 0
    assert two.data("target") == MASKED


def left(two: Two) -> None:
    """Revision 1 with data, and revision 2, before which a snapshot was taken, with others."""
    two.engine.add_image("app:2", {"Cmd": ["run"]})
    book = document("target", two.folder)
    book["backup"]["before"] = ["major_image"]
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    book["services"]["store"]["image"] = "app:2"
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", OLD)


def images(two: Two) -> set[str]:
    return {
        raw["Config"]["Image"] for raw in two.engine._containers.values() if raw["Name"].startswith("/target-store")
    }


def test_a_revision_with_the_data_that_it_had(two: Two) -> None:
    left(two)
    assert (images(two), two.data("target")) == ({"app:2"}, OLD)
    done = two.go_back(1)
    assert done.exit_code == 0
    assert (images(two), two.data("target")) == ({"app:1"}, NEW)
    assert [one.number for one in read_ledger(two.engine, "target").revisions] == [1, 2, 3]
    with pytest.raises(ProvisionError, match=r"revision 2 has no snapshot in .*or it was removed"):
        two.go_back(2)
    assert two.undo("target").exit_code == 0
    assert two.data("target") == OLD


def test_pruning_leaves_the_snapshot_that_a_rollback_takes(two: Two) -> None:
    left(two)
    snapshot = two.archives()
    two.backup("target")
    newest = two.backup("target")
    cut = next((two.folder / "archives" / newest).glob("*.dump"))
    cut.write_bytes(cut.read_bytes()[:-1])
    book = json.loads((two.folder / "target.yaml").read_text())
    book["backup"]["keep"] = {"last": 1}
    (two.folder / "target.yaml").write_text(json.dumps(book))
    pruning = backup_module.plan_prune(two.request("target"))
    assert [manifest.id for _, manifest in pruning.doomed] == []
    assert newest in pruning.damaged[0]
    third = two.backup("target")
    pruning = backup_module.plan_prune(two.request("target"))
    backup_module.prune(pruning, lambda manifest: None)
    assert two.archives() == [*snapshot, newest, third]
    assert two.go_back(1).exit_code == 0
    assert two.data("target") == NEW


def test_a_restore_of_another_environment_says_that_nothing_is_masked(two: Two) -> None:
    cloned(two)
    archive = two.backup("source")
    seen: list[str] = []

    def look(plan: RestorePlan) -> bool:
        seen.append(restore_plan_text(plan))
        return False

    for name in ("target", "source"):
        restore(
            two.request(name), archive, (), Options(replace=True), approve=look, listener=lambda event: None,
            interrupt=Undisturbed(),
        )  # fmt: skip
    assert "Its data are not masked: a restore does not run the `backup.mask` of store, keeper." in seen[0]
    assert "not masked" not in seen[1]


def test_a_rollback_with_data_that_fails_brings_both_back(two: Two) -> None:
    left(two)
    two.engine.full_at = 4
    with pytest.raises(ProvisionError, match="the data of before are back"):
        two.go_back(1)
    assert (images(two), two.data("target")) == ({"app:2"}, OLD)
    assert two.apply("target").report is None


@pytest.mark.slow
@pytest.mark.parametrize("at", range(1, CALLS, 5))
def test_a_rollback_with_data_that_is_killed(two: Two, at: int) -> None:
    left(two)
    if not died(two, lambda: two.go_back(1), at, after=at % 2 == 0):
        assert (images(two), two.data("target")) == ({"app:1"}, NEW)
        return
    if two.engine.inspect("container", "target.restore") is None:
        assert two.data("target") in (OLD, NEW)
        return
    assert "provision rollback 1 --with-data" in str(two.apply("target").plan.refusals[-1])
    if at % 3:
        assert two.go_back(1).exit_code == 0
        assert (images(two), two.data("target")) == ({"app:1"}, NEW)
    else:
        assert two.undo("target").exit_code == 0
        assert (images(two), two.data("target")) == ({"app:2"}, OLD)


def held(two: Two) -> set[str]:
    """What does not run of the target's services."""
    return {
        raw["Name"] for raw in two.engine._containers.values()
        if raw["Name"].startswith("/target-") and raw["State"]["Status"] != "running"
    }  # fmt: skip


def to_back_up(two: Two, consistency: str) -> None:
    book = document("target", two.folder)
    for name in ("files", "rows"):
        book["volumes"][name] = {"backup": {"consistency": consistency}}
    del book["services"]["store"]["backup"]
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)


@pytest.mark.parametrize("next_one", ["backup", "apply"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 16, 2))
@pytest.mark.parametrize("consistency", ["pause", "stop"])
def test_a_backup_that_is_killed(two: Two, consistency: str, at: int, after: bool, next_one: str) -> None:
    to_back_up(two, consistency)
    if not died(two, lambda: two.backup("target"), at, after=after):
        assert held(two) == set()
        return
    whole = len(list(two.folder.glob("archives/*/manifest.json")))
    if next_one == "backup":
        two.backup("target")
        assert len(list(two.folder.glob("archives/*/manifest.json"))) == whole + 1
    else:
        assert two.apply("target").exit_code == 0
    assert held(two) == set(), "what was held still goes on"
    assert two.data("target") == NEW


@pytest.mark.parametrize("consistency", ["pause", "stop"])
def test_who_is_held_still_goes_on_when_the_backup_fails(
    two: Two, consistency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_back_up(two, consistency)

    def broken(container_id: str, path: str) -> None:
        assert held(two), "it is held meanwhile"
        raise ProvisionError("the disk is broken")

    monkeypatch.setattr(two.engine, "read_archive", broken)
    with pytest.raises(ProvisionError, match="the disk is broken"):
        two.backup("target")
    assert (held(two), list(two.folder.glob("archives/*"))) == (set(), [])


def test_a_dump_that_hangs_ends_when_the_user_wants_an_end(two: Two) -> None:
    book = document("target", two.folder)
    book["services"]["store"]["backup"]["command"] = ["hang", "rows"]
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    asked = Undisturbed()
    two.engine.hung = asked.set
    with pytest.raises(Interrupted, match="interrupted; there is no new archive"):
        backup(two.request("target"), (), on_item=lambda part: None, interrupt=asked)
    assert (two.archives(), held(two)) == ([], set())


def test_a_mask_that_hangs_ends_when_the_user_wants_an_end(two: Two) -> None:
    cloned(two, "hang")
    asked = Undisturbed()
    two.engine.hung = asked.set
    with pytest.raises(Interrupted, match="interrupted; the data of before are back"):
        clone(
            two.request("source"), two.request("target"), Options(replace=True), approve=lambda plan: True,
            command="provision clone source target --replace", listener=lambda event: None, interrupt=asked,
        )  # fmt: skip
    assert two.data("target") == OLD
    assert two.apply("target").exit_code == 0


def renamed(two: Two, *, moved: bool) -> dict[str, Any]:
    """The target's file, in which a volume and a service have other names; what it is now."""
    book = document("target", two.folder)
    book["volumes"]["papers"] = book["volumes"].pop("files")
    book["services"]["keeper"] |= {"volumes": ["papers:/data"], "depends_on": ["base"]}
    book["services"]["base"] = book["services"].pop("store")
    if moved:
        moves = {"volume.files": "volume.papers", "service.store": "service.base"}
        book["moved"] = [{"from": former, "to": new} for former, new in moves.items()]
    (two.folder / "target.yaml").write_text(json.dumps(book))
    return book


def test_what_is_renamed_is_saved_and_restored_as_it_is_called_now(two: Two) -> None:
    two.write("target")
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    archive = two.backup("target")
    book = renamed(two, moved=False)
    with pytest.raises(ProvisionError, match=r"service\.base does not run") as refused:
        two.backup("target")
    assert "`moved: [{from: service.store, to: service.base}]`" in str(refused.value.hint)
    with pytest.raises(ProvisionError, match=r"volume\.papers is not there") as refused:
        backup(
            two.request("target"), addressed(["volume.papers"]), on_item=lambda part: None, interrupt=Undisturbed()
        )  # fmt: skip
    assert "`moved: [{from: volume.files, to: volume.papers}]`" in str(refused.value.hint)
    hints = " ".join(one.hint or "" for one in two.restore("target", archive).plan.refusals)
    assert "{from: service.store, to: service.base}" in hints
    assert "{from: volume.files, to: volume.papers}" in hints

    assert renamed(two, moved=True)["volumes"] == book["volumes"]
    with pytest.raises(ProvisionError) as refused:
        two.backup("target")
    assert "service.store is there, and `provision apply` makes the move" in str(refused.value.hint)
    on_item = two.restore("target", archive).plan.refusals
    assert ["volume.papers is not there yet" in one.message for one in on_item] == [True]
    assert two.data("target") == NEW, "nothing was touched"

    assert two.apply("target").exit_code == 0
    assert "target_files" in two.engine.state()["volumes"], "it keeps its name"
    later = two.backup("target")
    two.hold("target", OLD)
    assert two.restore("target", archive, "volume.papers").exit_code == 0
    assert two.data("target") == {**NEW, "rows": OLD["rows"]}, "an archive of before the move"
    assert two.undo("target").exit_code == 0
    assert two.data("target") == OLD
    assert two.restore("target", later).exit_code == 0
    assert two.data("target") == NEW
    assert two.running("target") == {"target-base-1", "target-keeper-1", "target-web-1"}


def test_a_snapshot_before_a_move_saves_what_is_moved(two: Two) -> None:
    book = document("target", two.folder)
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    book = renamed(two, moved=True)
    book["backup"]["before"] = ["migration"]
    book["services"]["migrate"] = {"image": "app:1", "command": ["true"], "job": {}}
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    [name] = two.archives()
    parts = json.loads((two.folder / "archives" / name / "manifest.json").read_text())["parts"]
    assert [one["address"] for one in parts] == ["playbook", "service.base", "volume.papers"]


def jobs(two: Two) -> dict[str, str]:
    """The containers of the jobs by name: another id is another run."""
    found = {raw["Name"].strip("/"): raw["Id"] for raw in two.engine._containers.values()}
    return {name: found[name] for name in ("target-migrate-1", "target-seed-1") if name in found}


def with_jobs(two: Two, **seed: Any) -> dict[str, str]:
    """A target with data, an archive of other ones, and two jobs that have run; their containers."""
    two.write("target")
    book = document("target", two.folder)
    needs = {"store": {"condition": "service_started"}}
    job = {"image": "app:1", "command": ["true"], "depends_on": needs}
    book["services"] |= {"migrate": {**job, "job": {}}, "seed": {**job, "job": {"run": "once"}, **seed}}
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    two.backup("target")
    two.hold("target", OLD)
    ran = jobs(two)
    assert len(ran) == 2
    return ran


def test_a_restore_lets_jobs_run_again_but_for_those_that_run_once(two: Two) -> None:
    ran = with_jobs(two)
    restored = two.restore("target")
    assert restored.exit_code == 0
    assert two.data("target") == NEW
    now = jobs(two)
    assert restored.plan.again == ("migrate",)
    assert "Jobs that run again on the data that come: migrate\n" in restore_plan_text(restored.plan)
    assert {name: now[name] == ran[name] for name in now} == {"target-migrate-1": False, "target-seed-1": True}
    assert two.undo("target").exit_code == 0
    assert (two.data("target"), jobs(two)) == (OLD, now), "what ran on the old data has run"


def test_a_job_that_has_a_volume_runs_again_and_the_plan_says_so(two: Two) -> None:
    ran = with_jobs(two, volumes=["files:/data"])
    restored = two.restore("target")
    assert (restored.exit_code, restored.plan.again, restored.plan.once_again) == (0, ("migrate", "seed"), ("seed",))
    assert not set(jobs(two).values()) & set(ran.values())
    assert "`run: once` does not hold for seed" in restore_plan_text(restored.plan)


@pytest.mark.parametrize("full_at", range(1, 5))
def test_no_job_runs_a_second_time_since_a_restore_failed(two: Two, full_at: int) -> None:
    ran = with_jobs(two)
    two.engine.writes, two.engine.full_at = 0, full_at
    with contextlib.suppress(ProvisionError):
        two.restore("target")
        assert two.engine.writes < full_at
        return
    assert (two.data("target"), jobs(two)) == (OLD, ran)


@pytest.mark.parametrize("at", range(1, 45, 4))
def test_no_job_runs_a_second_time_since_a_restore_was_killed_and_undone(two: Two, at: int) -> None:
    ran = with_jobs(two)
    assert died(two, lambda: two.restore("target"), at, after=True)
    with contextlib.suppress(ProvisionError):
        # Where it had not begun there is nothing to put back.
        two.undo("target")
    assert two.apply("target").exit_code == 0
    assert (two.data("target"), jobs(two)) == (OLD, ran)


def test_a_clone_says_how_large_what_it_takes_is_as_far_as_that_is_known(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloned(two)
    monkeypatch.setattr(two.engine, "volume_sizes", lambda: {"source_files": 2048})
    shown: list[str] = []

    def look(plan: RestorePlan) -> bool:
        shown.append(restore_plan_text(plan))
        return False

    clone(
        two.request("source"), two.request("target"), Options(replace=True), approve=look, command="",
        listener=lambda event: None, interrupt=Undisturbed(),
    )  # fmt: skip
    assert "volume.files  its files, 2.0 KiB  (now" in shown[0]
    assert "service.store  a dump (how large is known once it is made)" in shown[0]


@pytest.mark.parametrize("end", ["full", "interrupt"])
def test_a_backup_that_ends_early_leaves_the_stream_first(two: Two, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """An engine waits with the removal of a container until nobody reads from it any more."""
    to_back_up(two, "pause")
    asked = Undisturbed()

    def write(self: TarCheck, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield next(chunks)
        assert two.engine.reading
        if end == "full":
            raise ProvisionError("the disk is full")
        asked.set()
        yield from chunks

    monkeypatch.setattr(TarCheck, "watch", write)
    with pytest.raises(ProvisionError, match="the disk is full" if end == "full" else "interrupted"):
        backup(two.request("target"), (), on_item=lambda part: None, interrupt=asked)
    assert (held(two), two.archives(), two.engine.reading) == (set(), [], set())


def test_a_revision_of_before_a_move_with_the_data_that_it_had(two: Two) -> None:
    """The snapshot before the apply that moves has the addresses of after it."""
    book = document("target", two.folder)
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    moved = renamed(two, moved=True)
    moved["backup"]["before"] = ["migration"]
    moved["services"]["migrate"] = {"image": "app:1", "command": ["true"], "job": {}}
    (two.folder / "target.yaml").write_text(json.dumps(moved))
    assert two.apply("target").exit_code == 0
    two.hold("target", OLD)
    done = two.go_back(1)
    assert (done.plan.refusals, done.exit_code) == ((), 0)
    assert two.data("target") == NEW
    assert {"target-store-1", "target-keeper-1"} <= two.running("target")


def test_what_was_put_back_is_not_kept_a_second_time_though_a_check_fails(two: Two) -> None:
    """A check of the old data may fail as it did before: the way to the next restore is free all the same."""
    two.write("target")
    two.apply("target")
    two.hold("target", OLD)
    archive = two.backup("target")
    two.hold("target", NEW)
    assert two.restore("target", archive).exit_code == 0
    book = json.loads((two.folder / "target.yaml").read_text())
    book["verify"] = [{"name": "never", "exec": {"service": "web", "command": ["false"]}}]
    (two.folder / "target.yaml").write_text(json.dumps(book))
    undone = two.undo("target")
    assert (undone.exit_code, two.data("target")) == (1, NEW)
    assert [name for name in two.engine.state()["volumes"] if name.endswith(".before-restore")] == []
    assert two.restore("target", archive).plan.refusals == ()


def test_a_clone_names_what_no_mask_reaches(two: Two) -> None:
    cloned(two)
    assert "As they are" not in restore_plan_text(two.clone().plan)
    book = json.loads((two.folder / "target.yaml").read_text())
    del book["services"]["keeper"]["backup"]
    (two.folder / "target.yaml").write_text(json.dumps(book))
    plan = two.clone().plan
    assert plan.beyond_masks == ("volume.files",)
    assert "As they are, since no service with `backup.mask` has them: volume.files" in restore_plan_text(plan)
