"""Its data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually
from tests.systems.rehearsal import backed_up, proven, restored, with_archives

if TYPE_CHECKING:
    from tests.systems.campaign.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.whole]


def test_an_archive_is_proven_and_brings_campaigns_and_assets_back(throwaway: Environment) -> None:
    with_archives(throwaway)
    throwaway.apply()
    token, content = throwaway.token(), secrets.token_bytes(300_000)
    campaign = throwaway.campaign(token)
    assert throwaway.upload(f"/api/campaigns/{campaign}/asset", content, "image/png", token).status == 204
    throwaway.run_in("redis", "redis-cli set kept yes")
    # The scheduler has done with it what it had to do.
    assert eventually(lambda: throwaway.ask(f"/api/campaigns/{campaign}").json["status"] == "active", within=30)
    rows = "select count(*), md5(string_agg(c::text, '' order by c::text)) from campaigns c"
    before = throwaway.sql(rows)
    backed_up(throwaway, "service.postgres", "volume.minio-data", "volume.redis-data")
    proven(
        throwaway, ["PostGIS is enabled", "the schema is there", "Redis gives back what was set", "a file is stored in"]
    )

    throwaway.sql("delete from campaigns")
    throwaway.run_in("redis", "redis-cli del kept")
    throwaway.run_in("minio", "rm -rf /data/*")
    restored(throwaway, "--replace", "--prune")
    assert throwaway.sql(rows) == before
    assert throwaway.ask(f"/api/campaigns/{campaign}/asset").body == content
    assert throwaway.run_in("redis", "redis-cli get kept") == "yes"
