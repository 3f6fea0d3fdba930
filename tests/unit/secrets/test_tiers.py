"""The tiers are found by their files, and importing them loads no library."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from provisioner.secrets.tiers import all_tiers, open_tiers

if TYPE_CHECKING:
    from provisioner.secrets.surroundings import Surroundings


def test_every_tier_is_found_once_and_opens_under_its_name(surroundings: Surroundings) -> None:
    names = [tier.name for tier in all_tiers()]
    assert names == ["aws", "docker", "env_local", "environment", "file"]
    assert [source.tier for source in open_tiers(surroundings)] == names


def test_importing_the_tiers_loads_neither_boto3_nor_keyring() -> None:
    code = (
        "import sys; from provisioner.secrets.tiers import all_tiers; all_tiers();"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'keyring', 'docker'}))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
