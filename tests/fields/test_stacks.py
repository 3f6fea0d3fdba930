"""The stacks of the corpus plan without an error on a real engine; stand-ins take the place of their sources."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest

from provisioner.app.plan_request import make_plan
from provisioner.app.request import Request
from provisioner.document import Sources, read
from provisioner.model.change import Action
from provisioner.model.plan import Policy
from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines

if TYPE_CHECKING:
    from collections.abc import Iterator

# One worker runs them all: they share an engine.
pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("fields/stacks")]

STACKS = sorted((Path(__file__).parents[1] / "corpus" / "awesome-compose").glob("*/*.y*ml"))
_VARIABLE = re.compile(r"\$\{?([A-Z_][A-Z0-9_]*)")


@pytest.fixture(scope="module")
def empty(engine_url: str) -> Iterator[str]:
    """The address of an engine of their own: on a shared one a network of another test may hold a stack's subnet."""
    project = f"pt-{secrets.token_hex(4)}"
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as outer:
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                yield engines.start("28.5").url
        finally:
            remove_project(outer, project)


def missing(plain: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """The files that a stack refers to and the corpus has not, with something for each to hold."""
    for service in plain["services"].values():
        build = service.get("build")
        if build and "dockerfile_inline" not in build:
            stage = f" AS {build['target']}" if build.get("target") else ""
            yield Path(build["context"]) / build["dockerfile"], f"FROM busybox:1.36{stage}\n"
    for section in ("secrets", "configs"):
        for declared in plain.get(section, {}).values():
            if "file" in declared:
                yield Path(declared["file"]), "something\n"


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.parent.name)
def test_a_stack_plans(stack: Path, tmp_path: Path, empty: str) -> None:
    folder = tmp_path / stack.parent.name
    folder.mkdir()
    path = folder / stack.name
    shutil.copy(stack, path)
    # What is not set is an error in a plan: everything that the stack asks for has a value that is a path, too.
    environment = dict.fromkeys(_VARIABLE.findall(stack.read_text()), "/set")
    plain = read(Sources(files=(str(path),), environment=environment)).root.plain()
    assert isinstance(plain, dict)
    for file, content in missing(plain):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    request = Request(files=(str(path),), directory=str(folder), host=empty, shell=environment)
    plan = make_plan(request, Policy(), {})
    assert plan.refusals == ()
    assert {change.action for change in plan.changes} == {Action.CREATE}
    services = {change.address.name for change in plan.changes if change.address.kind == "service"}
    assert services == set(plain["services"])


def test_they_are_all_there() -> None:
    assert len(STACKS) == 39
