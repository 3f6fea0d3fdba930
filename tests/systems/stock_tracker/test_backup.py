"""Its data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually, run

if TYPE_CHECKING:
    from tests.systems.stock_tracker.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_an_archive_is_proven_and_brings_the_prices_back(stock: Environment) -> None:
    with (stock.playbooks / f"{stock.name}.yml").open("a", encoding="utf-8") as playbook:
        playbook.write("backup: {to: ./archives}\n")
    stock.apply()
    assert eventually(lambda: stock.stored() > 20, within=60)
    # What was stored before the backup began: prices go on coming.
    latest = stock.sql("select max(at) from ticks")
    old = f"select count(*), md5(string_agg(t::text, '' order by t::text)) from ticks t where at < '{latest}'"
    before = stock.sql(old)
    saved = stock.provision("backup")
    assert saved.code == 0, saved.everything

    volumes, networks = stock.volumes(), stock.networks()
    rehearsed = stock.provision("rehearse", "--latest")
    assert rehearsed.code == 0, rehearsed.everything
    assert "is proven" in rehearsed.output
    assert "✔ the backend reaches the database" in rehearsed.output
    assert (stock.volumes(), stock.networks()) == (volumes, networks)

    stock.sql(f"delete from ticks where at < '{latest}'")
    target = f"{stock.SYSTEM}/{stock.name}"
    restored = run(
        stock.folder, "latest", "restore", target, "--yes", "--replace", "--prune", variables=stock.variables,
    )  # fmt: skip
    assert restored.code == 0, restored.everything
    assert stock.sql(old) == before
    stored = stock.stored()
    assert eventually(lambda: stock.stored() > stored, within=30), "prices come in again"
    assert stock.provision("plan", "--detailed-exitcode").code == 0
