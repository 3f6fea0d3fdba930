"""Progress object by object, on a terminal and elsewhere, with a clock by hand."""

from __future__ import annotations

from dataclasses import replace

from provisioner.errors import StepFailed
from provisioner.model.change import Action, Change
from provisioner.model.event import Begun, Finished, Notice, Progress, Started
from provisioner.model.operation import Create, CreateContainer, Goal, Pull, Remove, Start, Wait
from provisioner.model.plan import Plan, Step
from provisioner.model.report import Outcome
from provisioner.render.object_progress import AGAIN, LiveObjectProgress, PlainObjectProgress
from tests.unit.render.examples import address, plan, resource, result
from tests.unit.render.test_progress import Clock, Screen

NETWORK = Step(1, Create("network"), address("network.default"), "")
MADE = Step(2, CreateContainer("db"), address("service.db[1]"), "", needs=(1,))
RUNS = Step(3, Start(), address("service.db[1]"), "", needs=(2,))
READY = Step(4, Wait(Goal.READY, 60), address("service.db[1]"), "", needs=(3,))
OTHER = Step(5, Start(), address("service.api[1]"), "", needs=(4,))
ALL = (NETWORK, MADE, RUNS, READY, OTHER)


def planned(*steps: Step, change: Action = Action.CREATE) -> Plan:
    changes = tuple(
        Change(one, change, "", desired=resource(str(one), kind="container", line=1))
        for one in dict.fromkeys(step.address for step in steps)
    )
    made = plan(changes, steps, declared=[str(step.address) for step in steps])
    checked = made.desired.resources[address("service.db[1]")]
    resources = {
        **made.desired.resources,
        checked.address: replace(checked, spec={"healthcheck": {"test": ["CMD", "x"]}}),
    }
    return replace(made, desired=replace(made.desired, resources=resources), details=changes)


def test_one_line_for_an_object_whatever_steps_it_takes() -> None:
    clock, screen = Clock(), Screen()
    tell = PlainObjectProgress(screen.write, clock, interval=60)
    tell(Begun(planned(*ALL), "Applying"))
    for step in (NETWORK, MADE, RUNS, READY):
        tell(Started(step))
        clock.time += 1
        tell(Progress(step, "moving"))
        tell(Finished(result(step)))
    tell.close()
    assert "".join(screen.written).splitlines() == [
        "   1.0s  ✔ network.default  created  1.0s",
        "   4.0s  ✔ service.db       healthy  3.0s",
    ]


def test_who_was_never_away_is_not_told_to_be_back() -> None:
    """A replica whose turn had not come: only what was made for it goes."""
    clock, screen = Clock(), Screen()
    tell = PlainObjectProgress(screen.write, clock, interval=60)
    gone = Step(1, Remove("container"), address("service.db[1]"), "", object_id="next")
    tell(Begun(planned(gone, change=Action.REPLACE), "Taking back"))
    tell(Started(gone))
    tell(Finished(result(gone)))
    tell.close()
    assert "stays; the container beside it is removed" in "".join(screen.written)


def test_a_replacement_a_failure_and_a_way_back_are_told() -> None:
    clock, screen = Clock(), Screen()
    tell = PlainObjectProgress(screen.write, clock, interval=60)
    steps = (MADE, RUNS, READY)
    tell(Begun(planned(*steps, change=Action.REPLACE), "Applying"))
    for step in steps:
        tell(Started(step))
        tell(Finished(result(step)))
    tell(Begun(planned(*steps, change=Action.REPLACE), "Applying"))
    tell(Started(READY))
    tell(Finished(result(READY, Outcome.FAILED, error=StepFailed("its health check fails"))))
    tell(Begun(planned(*steps, change=Action.REPLACE), "Taking back"))
    for step in steps:
        tell(Started(step))
        tell(Finished(result(step)))
    tell(Notice("somebody waits"))
    tell.close()
    assert [line.split("  ", 1)[1].strip() for line in "".join(screen.written).splitlines() if line] == [
        "0.0s  ✔ service.db  replaced, healthy  0.0s",
        "0.0s  ✘ service.db  its health check fails  0.0s",
        "0.0s  ✔ service.db  the one before is back, healthy  0.0s",
        "0.0s  somebody waits",
    ]


def test_without_a_terminal_what_takes_long_is_told_now_and_then() -> None:
    clock, screen = Clock(), Screen()
    tell = PlainObjectProgress(screen.write, clock, interval=60)
    tell(Begun(planned(*ALL), "Applying"))
    tell(Started(READY))
    tell(Progress(READY, "health check 1 of 3 failed"))
    for _ in range(20):
        clock.time += 1
        tell.tick()
    clock.time += AGAIN
    tell.tick()
    tell.close()
    assert "".join(screen.written).splitlines() == [
        "   5.0s  service.db: waiting: health check 1 of 3 failed (begun 5.0s ago)",
        "  1m20s  service.db: waiting: health check 1 of 3 failed (begun 1m20s ago)",
    ]


def test_replicas_have_their_numbers_only_where_there_are_several() -> None:
    clock, screen = Clock(), Screen()
    tell = PlainObjectProgress(screen.write, clock, interval=60)
    second = replace(RUNS, id=9, address=address("service.db[2]"))
    tell(Begun(planned(RUNS, second), "Applying"))
    tell(Finished(result(RUNS)))
    tell(Finished(result(second)))
    tell.close()
    assert "service.db[1]" in "".join(screen.written)
    assert "service.db[2]" in "".join(screen.written)


def test_the_region_counts_and_says_what_is_waited_for() -> None:
    clock, screen = Clock(), Screen()
    tell = LiveObjectProgress(screen.write, clock, lambda: 72, interval=60)
    tell(Begun(planned(*ALL), "Applying"))
    tell(Started(NETWORK))
    tell(Finished(result(NETWORK)))
    tell(Started(MADE))
    tell(Finished(result(MADE)))
    tell(Started(RUNS))
    clock.time += 3
    tell(Finished(result(RUNS)))
    tell(Started(READY))
    tell(Progress(READY, "health check 2 of 3 failed"))
    done, header, db, api = screen.lines
    assert done == "✔ network.default  created  0.0s"
    assert header == "Applying telecom/dev  1/3  3.0s"
    assert db.split() == ["⠋", "service.db", "waiting:", "health", "check", "2", "of", "3", "failed", "3.0s"]
    assert api.split() == ["·", "service.api", "waits", "for", "db"]
    assert max(map(len, screen.lines)) < 72
    tell.close()
    assert screen.lines == [done]


def test_a_terminal_that_becomes_narrower_is_tidied_whole() -> None:
    columns = [80]
    screen = Screen()
    tell = LiveObjectProgress(screen.write, Clock(), lambda: columns[0], interval=60)
    tell(Begun(planned(*ALL), "Applying"))
    tell(Started(NETWORK))
    rows = len(screen.written[-1].splitlines())
    columns[0] = 40
    tell(Started(MADE))
    up = screen.written[-1].partition("A")[0].rpartition("[")[2]
    assert int(up) > rows, "lines that were broken by the terminal count as the rows that they take"
    tell.close()


def test_an_image_by_itself_needs_no_plan() -> None:
    screen = Screen()
    tell = PlainObjectProgress(screen.write, Clock(), interval=60)
    pull = Step(1, Pull(), address("image.db"), "")
    tell(Started(pull))
    tell(Finished(result(pull)))
    tell.close()
    assert screen.written == ["   0.0s  ✔ image.db  pulled  0.0s\n"]
