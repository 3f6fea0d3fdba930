"""Its data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually
from tests.systems.rehearsal import backed_up, proven, restored, with_archives

if TYPE_CHECKING:
    from tests.systems.stock_tracker.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_an_archive_is_proven_and_brings_the_prices_back(stock: Environment) -> None:
    with_archives(stock)
    stock.apply()
    assert eventually(lambda: stock.stored() > 20, within=60)
    # What was stored before the backup began: prices go on coming.
    latest = stock.sql("select max(at) from ticks")
    old = f"select count(*), md5(string_agg(t::text, '' order by t::text)) from ticks t where at < '{latest}'"
    before = stock.sql(old)
    backed_up(stock, "service.timescaledb")
    proven(stock, ["the backend reaches the database"])

    stock.sql(f"delete from ticks where at < '{latest}'")
    restored(stock, "--replace", "--prune")
    assert stock.sql(old) == before
    stored = stock.stored()
    assert eventually(lambda: stock.stored() > stored, within=30), "prices come in again"
