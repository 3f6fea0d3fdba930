"""A system's data through backup, rehearsal and restore, as its playbook declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.systems.environment import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.systems.environment import Environment


def with_archives(environment: Environment) -> None:
    """Add a folder for archives to an environment's own playbook."""
    with (environment.playbooks / f"{environment.name}.yml").open("a", encoding="utf-8") as playbook:
        playbook.write("backup: {to: ./archives}\n")


def backed_up(environment: Environment, *parts: str) -> None:
    """Make an archive that has these parts at least."""
    saved = environment.provision("backup")
    assert saved.code == 0, saved.everything
    for part in parts:
        assert f"✔ {part} " in saved.output, saved.output


def proven(environment: Environment, checks: Sequence[str]) -> None:
    """Rehearse the newest archive: these checks hold in the copy, and nothing of it is left beside the real one."""
    before = environment.volumes(), environment.networks(), sorted(environment.identities())
    rehearsed = environment.provision("rehearse", "--latest")
    assert rehearsed.code == 0, rehearsed.everything
    assert "is proven" in rehearsed.output
    for check in checks:
        assert f"✔ {check}" in rehearsed.output, rehearsed.output
    assert (environment.volumes(), environment.networks(), sorted(environment.identities())) == before


def restored(environment: Environment, *options: str) -> None:
    """Restore the newest archive over what is there."""
    target = f"{environment.SYSTEM}/{environment.name}"
    outcome = run(
        environment.folder, "latest", "restore", target, "--yes", *options,
        variables=environment.variables, shell=environment.shell, profiles=environment.profiles,
    )  # fmt: skip
    assert outcome.code == 0, outcome.everything
    planned = environment.provision("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.everything
