"""Its data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually, run

if TYPE_CHECKING:
    from tests.systems.stock_tracker.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_an_archive_is_proven_and_brings_the_prices_back(throwaway: Environment) -> None:
    with (throwaway.playbooks / f"{throwaway.name}.yml").open("a", encoding="utf-8") as playbook:
        playbook.write("backup: {to: ./archives}\n")
    throwaway.apply()
    assert eventually(lambda: throwaway.stored() > 20, within=60)
    # What was stored before the backup began: prices go on coming.
    latest = throwaway.sql("select max(at) from ticks")
    old = f"select count(*), md5(string_agg(t::text, '' order by t::text)) from ticks t where at < '{latest}'"
    before = throwaway.sql(old)
    saved = throwaway.provision("backup")
    assert saved.code == 0, saved.everything

    volumes, networks = throwaway.volumes(), throwaway.networks()
    rehearsed = throwaway.provision("rehearse", "--latest")
    assert rehearsed.code == 0, rehearsed.everything
    assert "is proven" in rehearsed.output
    assert "✔ the backend reaches the database" in rehearsed.output
    assert (throwaway.volumes(), throwaway.networks()) == (volumes, networks)

    throwaway.sql(f"delete from ticks where at < '{latest}'")
    target = f"{throwaway.SYSTEM}/{throwaway.name}"
    restored = run(
        throwaway.folder, "latest", "restore", target, "--yes", "--replace", "--prune", variables=throwaway.variables,
    )  # fmt: skip
    assert restored.code == 0, restored.everything
    assert throwaway.sql(old) == before
    stored = throwaway.stored()
    assert eventually(lambda: throwaway.stored() > stored, within=30), "prices come in again"
    assert throwaway.provision("plan", "--detailed-exitcode").code == 0
