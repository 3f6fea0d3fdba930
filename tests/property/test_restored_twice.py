"""A restore after another: what the first one has kept is the only copy of it, and is never lost unasked or mixed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from provisioner.backup.previous_data import kept_data, read_record
from provisioner.errors import ProvisionError
from tests.command_line import carry_out
from tests.property.test_data_killed import NEW, OLD, Two, died, document, two

if TYPE_CHECKING:
    from tests.command_line import Ended

__all__ = ["two"]

LATER = {"rows": b"later rows", "a": b"later a"}


@pytest.fixture
def archive(two: Two) -> str:
    """One of NEW, of two volumes without a dump; OLD is there now."""
    book = document("target", two.folder)
    del book["services"]["store"]["backup"]
    (two.folder / "target.yaml").write_text(json.dumps(book))
    assert two.apply("target").exit_code == 0
    two.hold("target", NEW)
    made = two.backup("target")
    two.hold("target", OLD)
    return made


def kept(two: Two) -> dict[str, dict[str, bytes]]:
    """What is kept, by the last part of the volume's name."""
    found = kept_data(two.engine, "target")
    return {one.volume.removeprefix("target_"): plain(two, one.name) for one in found}


def plain(two: Two, volume: str) -> dict[str, bytes]:
    return {key.strip("/"): content for key, content in two.engine.files(volume).items()}


def write(two: Two, volume: str, **content: bytes) -> None:
    home = f"/var/lib/docker/volumes/target_{volume}/_data"
    two.engine._files[home] = {f"/{key}": value for key, value in content.items()}


def command(two: Two, *arguments: str) -> Ended:
    return carry_out((*arguments, "-f", "target.yaml"), folder=two.folder, environment={})


OLD_FILES = {key: value for key, value in OLD.items() if key != "rows"}
ALL_OLD = {"rows": {"rows": b"old rows"}, "files": OLD_FILES}


def test_another_archive_does_not_take_what_the_first_has_kept(two: Two, archive: str) -> None:
    assert two.restore("target", archive).exit_code == 0
    two.hold("target", LATER)
    for again in (archive, "latest"):
        refused = two.restore("target", again)
        assert (refused.exit_code, refused.applied) == (1, None)
        said = str(refused.plan.refusals)
        assert "target_rows.before-restore has what volume.rows held before an earlier restore" in said
        assert "`provision restore --undo` puts it back in the place of what is there now" in said
    assert (two.data("target"), kept(two)) == (LATER, ALL_OLD)
    assert two.undo("target").exit_code == 0
    assert (two.data("target"), kept(two)) == (OLD, {})


def test_only_who_says_so_gives_up_what_was_kept(two: Two, archive: str) -> None:
    assert two.restore("target", archive).exit_code == 0
    two.hold("target", LATER)
    shown = command(two, "restore", archive, "--replace", "--prune", "--check")
    assert shown.code == 0, shown
    assert "what target_rows.before-restore has of before an earlier restore is deleted" in shown.stdout
    assert kept(two) == ALL_OLD
    assert two.restore("target", archive, prune=True).exit_code == 0
    assert (two.data("target"), kept(two)) == (NEW, {})


def test_what_is_not_ours_is_not_replaced_by_a_copy(two: Two, archive: str) -> None:
    two.engine.create("volume", "target_rows.before-restore", {"Labels": {}})
    refused = two.restore("target", archive, prune=True)
    assert "target_rows.before-restore stands in the way, and is not ours" in str(refused.plan.refusals)
    assert two.engine.inspect("volume", "target_rows.before-restore") is not None


def test_an_undo_is_of_the_last_restore_and_names_what_it_puts_back(two: Two, archive: str) -> None:
    assert two.restore("target", archive, "volume.files").exit_code == 0
    write(two, "files", a=b"work")
    assert two.restore("target", archive, "volume.rows").exit_code == 0
    looked = command(two, "restore", "--undo", "--check")
    assert looked.code == 0, looked
    assert "! volume.rows  what target_rows.before-restore has, as it was before the restore of 20" in looked.stdout
    assert "  volume.files  stays; target_files.before-restore is of before the restore of 20" in looked.stdout
    assert set(kept(two)) == {"rows", "files"}
    done = command(two, "restore", "--undo", "--yes")
    assert done.code == 0, done
    assert two.data("target") == {"rows": b"old rows", "a": b"work"}
    assert kept(two) == {"files": OLD_FILES}
    assert command(two, "restore", "--undo", "--check", "volume.rows").code == 1
    assert command(two, "restore", "--undo", "--yes", "volume.files").code == 0
    assert (two.data("target"), kept(two)) == (OLD, {})


def test_a_part_of_what_a_restore_has_kept_is_not_put_back_for_the_whole(two: Two, archive: str) -> None:
    assert two.restore("target", archive).exit_code == 0
    two.engine.remove("volume", "target_rows.before-restore")
    refused = two.undo("target")
    assert (refused.exit_code, two.data("target"), set(kept(two))) == (1, NEW, {"files"})
    assert "replaced in volume.rows is not kept any more" in str(refused.plan.refusals)
    assert two.undo("target", "volume.files").exit_code == 0
    assert two.data("target") == {"rows": NEW["rows"], **OLD_FILES}


def test_of_a_restore_that_was_killed_all_is_put_back_or_nothing(two: Two, archive: str) -> None:
    at = 0
    while not replacing(two):
        at += 1
        assert died(two, lambda: two.restore("target", archive), at, after=False)
    assert "is undone whole" in str(two.undo("target", "volume.files").plan.refusals)
    two.engine.remove("volume", "target_rows.before-restore")
    there = two.data("target")
    refused = two.undo("target")
    assert (refused.exit_code, two.data("target")) == (1, there)
    assert "replaced in volume.rows is not kept any more" in str(refused.plan.refusals)


def replacing(two: Two) -> bool:
    record = read_record(two.engine, "target")
    return record is not None and record.replacing


# More calls than a restore of one volume, or an undo of two, makes.
CALLS = 60


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS, 4))
def test_a_second_restore_that_is_killed_leaves_the_first_ones(two: Two, archive: str, at: int, after: bool) -> None:
    assert two.restore("target", archive, "volume.files").exit_code == 0
    write(two, "files", a=b"work")
    if not died(two, lambda: two.restore("target", archive, "volume.rows"), at, after=after):
        return
    if two.engine.inspect("container", "target.restore") is not None:
        assert two.undo("target").exit_code == 0
    assert plain(two, "target_files") == {"a": b"work"}
    assert kept(two)["files"] == OLD_FILES


@pytest.mark.parametrize("at", range(1, CALLS, 4))
def test_what_a_killed_restore_has_only_copied_is_no_state_of_the_next(two: Two, archive: str, at: int) -> None:
    """It had replaced nothing, and another volume is restored instead: an undo of that does not touch the first."""
    if not died(two, lambda: two.restore("target", archive, "volume.files"), at, after=True):
        return
    done = two.restore("target", archive, "volume.rows")
    if done.applied is None:
        assert "does not replace" in str(done.plan.refusals)
        return
    if plain(two, "target_files") != OLD_FILES:
        return
    write(two, "files", a=b"work")
    assert two.undo("target").exit_code == 0
    assert two.data("target") == {"rows": b"old rows", "a": b"work"}


@pytest.mark.parametrize("at", range(1, 32, 2))
def test_an_undo_that_is_killed_is_finished_by_the_next(two: Two, archive: str, at: int) -> None:
    assert two.restore("target", archive, "volume.files").exit_code == 0
    assert two.restore("target", archive, "volume.rows").exit_code == 0
    if died(two, lambda: two.undo("target", "volume.rows"), at, after=True):
        if two.engine.inspect("container", "target.restore") is not None:
            assert two.apply("target").exit_code == 1, "what is there may be half"
        else:
            assert plain(two, "target_rows")["rows"] in (OLD["rows"], NEW["rows"])
        if "rows" in kept(two):
            assert two.undo("target").exit_code == 0
    assert two.data("target") == {"rows": b"old rows", **{key: value for key, value in NEW.items() if key != "rows"}}
    assert kept(two) == {"files": OLD_FILES}


def test_where_a_restore_fails_the_earlier_ones_data_stay(two: Two, archive: str) -> None:
    assert two.restore("target", archive, "volume.files").exit_code == 0
    two.engine.full_at = two.engine.writes + 2
    with pytest.raises(ProvisionError, match="the data of before are back"):
        two.restore("target", archive, "volume.rows")
    assert kept(two) == {"files": OLD_FILES}
