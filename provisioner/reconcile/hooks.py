"""The steps of `post_start` and `pre_stop`, and what happens when such a command fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import EngineRefused, StepFailed
from provisioner.kinds.hooks import POST_START, PRE_STOP
from provisioner.model.operation import RunHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioner.model.change import Change
    from provisioner.model.state import Spec
    from provisioner.ports import EngineWriter
    from provisioner.reconcile.steps import Steps

_LINES = 20


def run_hooks(
    steps: Steps,
    change: Change,
    when: str,
    spec: Spec,
    needs: Iterable[int | None],
    *,
    made_by: int | None = None,
    object_id: str = "",
    after: Iterable[int] = (),
) -> list[int]:
    """One step for each hook, one after the other; the steps to wait for, which are `needs` where there are none.
    The first is not run before the end of `after`.

    What is paused or dead runs nothing.
    """
    done = [need for need in needs if need is not None]
    existing = change.observed
    if (
        when == PRE_STOP
        and existing is not None
        and existing.runtime is not None
        and existing.runtime.status != "running"
    ):
        return done
    for hook in spec[when]:
        done = [
            steps.add(
                RunHook(when, hook), change.address, f"its {when}", needs=done, made_by=made_by, object_id=object_id,
                after=after,
            )
        ]  # fmt: skip
        after = ()
    return done


def run_hook(engine: EngineWriter, container_id: str, run: RunHook, progress: Callable[[str], None]) -> None:
    """Run one hook in its container.

    A failed post_start stops the container and raises StepFailed: it has not started as it should, and the next apply
    starts it again. A failed pre_stop is told: what is to go can not stay for that.
    """
    hook = run.hook
    try:
        code, out, err = engine.execute(
            container_id, hook["command"], user=hook.get("user", ""), environment=hook.get("environment"),
            workdir=hook.get("working_dir"), privileged=bool(hook.get("privileged")),
        )  # fmt: skip
    except (EngineRefused, StepFailed) as error:
        said = "could not be run" if isinstance(error, EngineRefused) else "ended, and it is not known how"
        lines: tuple[str, ...] = (error.message,)
    else:
        if code == 0:
            return
        said = f"ended with exit code {code}"
        lines = tuple((out + err).decode("utf-8", "replace").splitlines()[-_LINES:])
    text = f"its {run.section} command {hook['command'][0]!r} {said}"
    if run.section != POST_START:
        progress(f"{text}: {lines[-1]}" if lines else text)
        return
    engine.stop(container_id)
    raise StepFailed(text, hint="correct the command, and apply again", evidence=lines)
