"""A live service as a file says it: read again, that file declares the very service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.kinds import service
from provisioner.kinds.swarm_body import swarm_body
from tests.swarm import samples
from tests.swarm.samples import FIRST, SAMPLES, SECOND
from tests.swarm.test_fields import lowered, there_and_back

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fields.sample import Sample

# Clients add platforms by themselves, so that they are not taken for declared; an adoption keeps them as its form.
_NOT_SAID = ("platform",)


@pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.first and one.name not in _NOT_SAID], ids=lambda sample: sample.name
)
def test_a_service_is_written_as_it_runs(sample: Sample, tmp_path: Path) -> None:
    for state in (FIRST, SECOND):
        document = samples.playbook(samples.apart([sample]), state)
        wanted = lowered(tmp_path, document)
        [key] = document["services"]
        live = there_and_back(wanted)
        body = swarm_body(live, wanted.spec["image"], key=key, volumes={"pt_stored": "stored", "pt_other": "other"})
        written: dict[str, Any] = json.loads(json.dumps(body).replace("$", "$$"))
        again = lowered(tmp_path, {**document, "services": {key: written}})
        assert [one for one in service.differences(again.spec, live) if one.path != "build"] == []


def test_what_a_swarm_gives_anyway_is_not_written(tmp_path: Path) -> None:
    wanted = lowered(tmp_path, {"engine": {"mode": "swarm"}, "services": {"web": {"image": "app:1"}}})
    assert swarm_body(there_and_back(wanted), "app:1", key="web", volumes={}) == {"image": "app:1"}
