"""What Compose brought up on a real engine becomes an environment's as it is; its own requests are played back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compose_recording import Recording
from tests.corpus_adoption import STACKS, play, stack_at

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
# A build, secrets, health checks and several networks; capabilities and sysctls: enough for every run.
QUICK = ("nginx-golang-mysql", "wireguard")


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in STACKS])
def test_a_stack_of_the_corpus_is_adopted_changed_rolled_back_and_released(
    name: str, engine: docker.DockerClient, engine_url: str, project: str, tmp_path: Path
) -> None:
    assert Recording.exists(f"corpus-{name}")
    with stack_at(name, engine, engine_url, project, tmp_path) as stack:
        proof = stack.prove(play)
    assert proof.well, proof
