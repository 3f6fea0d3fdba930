"""Progress on a terminal and elsewhere, with a clock by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from provisioner.model.event import Finished, Progress, Started
from provisioner.model.operation import Fill, FillPart
from provisioner.model.plan import Verb
from provisioner.render.progress import LiveProgress, PlainProgress, doing, done
from tests.unit.render.examples import FAILED, STEPS, result

BUILD, PULL = STEPS[0], STEPS[1]


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Screen:
    """What a terminal shows after cursor-up and erase-below."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)

    @property
    def lines(self) -> list[str]:
        lines: list[str] = []
        for part in re.findall(r"\x1b\[\d*A|\x1b\[J|\x1b\[\?25.|[^\x1b\n]+\n", "".join(self.written)):
            if part.endswith("A"):
                del lines[len(lines) - int(part[2:-1]) :]
            elif not part.startswith("\x1b"):
                lines.append(part.rstrip())
        return lines


def test_plain_progress_is_one_line_per_event_with_its_time() -> None:
    clock, screen = Clock(), Screen()
    tell = PlainProgress(screen.write, clock)
    tell(Started(PULL))
    clock.time += 1.5
    tell(Progress(PULL, "layer 1 of 2"))
    tell(Progress(PULL, "layer 1 of 2"))
    tell(Progress(PULL, "layer 2 of 2"))
    clock.time += 1
    tell(Finished(result(PULL, seconds=2.5)))
    tell(Finished(FAILED.results[4]))
    tell(Finished(FAILED.results[5]))
    assert "".join(screen.written).splitlines() == [
        "   0.0s  image.db: pulling",
        "   1.5s  image.db: layer 1 of 2",
        "   1.5s  image.db: layer 2 of 2",
        "   2.5s  ✔ image.db: pulled in 2.5s",
        "   2.5s  ✘ service.api[1]: wait failed: its health check did not pass within 30s (last: exit 1)",
        "   2.5s  - volume.cache: remove skipped (service.api[1] failed)",
    ]


@pytest.mark.parametrize("kind", [PlainProgress, LiveProgress])
def test_files_get_into_a_volume_in_four_steps_and_one_line(kind: type[PlainProgress] | type[LiveProgress]) -> None:
    screen = Screen()
    tell = (
        PlainProgress(screen.write, Clock())
        if kind is PlainProgress
        else LiveProgress(screen.write, Clock(), lambda: 80)
    )
    for part in FillPart:
        step = replace(PULL, operation=Fill("secrets", part))
        tell(Started(step))
        tell(Finished(result(step, seconds=0.2)))
    tell.close()
    text = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", "".join(screen.written))
    assert text.count("✔") == 1
    assert "filled in 0.2s" in text


@pytest.mark.parametrize("part", FillPart)
def test_whichever_of_them_fails_is_told(part: FillPart) -> None:
    screen = Screen()
    step = replace(PULL, operation=Fill("secrets", part))
    PlainProgress(screen.write, Clock())(Finished(replace(FAILED.results[4], step=step)))
    assert "fill failed: its health check" in "".join(screen.written)


def test_the_live_region_keeps_running_steps_below_finished_ones() -> None:
    clock, screen = Clock(), Screen()
    tell = LiveProgress(screen.write, clock, lambda: 60, interval=60)
    tell(Started(BUILD))
    tell(Started(PULL))
    clock.time += 3
    tell(Progress(PULL, "layer 1 of 2"))
    tell(Finished(result(BUILD, seconds=3)))
    above, running = screen.lines
    assert above == "✔ image.api: built in 3.0s"
    assert running.split() == ["⠋", "image.db:", "pulling:", "layer", "1", "of", "2", "3.0s"]
    assert len(running) <= 59
    tell.close()
    assert screen.lines == ["✔ image.api: built in 3.0s"]
    assert "".join(screen.written).endswith("\x1b[?25h")


def test_the_live_region_is_never_wider_than_the_terminal_nor_longer_than_it_should() -> None:
    screen = Screen()
    tell = LiveProgress(screen.write, Clock(), lambda: 30, interval=60)
    for number in range(15):
        step = replace(PULL, id=number)
        tell(Started(step))
        tell(Progress(step, "y" * 200))
    tell.close()
    assert max(len(line) for text in screen.written for line in text.split("\n") if "\x1b" not in line) <= 30


def test_closing_what_never_began_writes_nothing() -> None:
    screen = Screen()
    LiveProgress(screen.write, Clock(), lambda: 80).close()
    PlainProgress(screen.write, Clock()).close()
    assert screen.written == []


def test_every_verb_has_its_words() -> None:
    assert all(doing(verb) and done(verb) for verb in Verb)
