"""Every system's production says how its data are backed up, and every archive of it can be restored."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.app.backup_sources import saved_addresses, start_order
from provisioner.app.load import load_playbook
from provisioner.app.request import Request

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
SYSTEMS = ("campaign", "ichrisbirch", "stock-tracker", "telecom", "usage-tracking")


@pytest.mark.parametrize("system", SYSTEMS)
def test_production_declares_its_backups(system: str) -> None:
    path = PLAYBOOKS / system / "prod.yml"
    request = Request(files=(str(path),), directory=str(PLAYBOOKS.parent), in_playbooks=True)
    playbook = load_playbook(request, allow_unset=True)
    assert playbook.backup.to
    assert not playbook.backup.keep.is_empty
    saved = saved_addresses(playbook)
    databases = [name for name, one in playbook.services.items() if one.backup and one.backup.command]
    assert databases, "the database is dumped"
    for name in databases:
        said = playbook.services[name].backup
        assert said is not None
        assert (bool(said.restore), bool(said.replaces)) == (True, True)
    left_out = {f"volume.{key}" for key, one in playbook.volumes.items() if one.backup and not one.backup.enabled}
    replaced = {f"volume.{key}" for one in playbook.services.values() if one.backup for key in one.backup.replaces}
    assert {f"volume.{key}" for key in playbook.volumes} == {
        one for one in saved if "volume." in one
    } | left_out | replaced


def test_all_systems_are_here() -> None:
    assert sorted(one.parent.name for one in PLAYBOOKS.glob("*/prod.yml")) == sorted(SYSTEMS)


def test_services_are_brought_up_in_the_order_of_the_file_but_for_what_others_depend_on(tmp_path: Path) -> None:
    text = "name: shop\nservices:\n"
    for name, needed in {"web": ["db", "cache"], "db": [], "cache": [], "agent": []}.items():
        text += f"  {name}: {{image: 'busybox:1.36', depends_on: {needed}}}\n"
    (tmp_path / "compose.yml").write_text(text)
    playbook = load_playbook(Request(files=(str(tmp_path / "compose.yml"),), directory=str(tmp_path)), allow_unset=True)
    assert start_order(playbook) == ["db", "cache", "web", "agent"]
