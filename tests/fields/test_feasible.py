"""No value that is tried on real engines is called impossible, whichever engine it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.document import Sources, read
from provisioner.platforms.capabilities import incapable
from provisioner.playbook.bind import bind
from provisioner.playbook.crossref import contradictions
from tests.fields import containers, objects, playbooks
from tests.unit.playbook.engine_facts import FACTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("state", [playbooks.FIRST, playbooks.SECOND, playbooks.REMOVED])
def test_no_sample_is_impossible(state: int, tmp_path: Path) -> None:
    document = playbooks.of_containers(playbooks.apart(containers.SAMPLES), state)
    for section, samples in (("networks", objects.NETWORKS), ("volumes", objects.VOLUMES)):
        for sample in samples:
            document[section][f"sample-{sample.name}"] = sample.states[state]
    playbook = bind(read(Sources(files=(playbooks.write(tmp_path, "feasible", document),), environment={})))
    untried = {sample.name for sample in containers.SAMPLES if sample.untried}
    found = [
        *contradictions(playbook, "containers"),
        *(verdict.problem for verdict in incapable(playbook, FACTS) if verdict.refused),
    ]
    told = [str(problem) for problem in found if problem.path.split(".")[1] not in untried]
    assert told == []
