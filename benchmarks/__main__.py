"""Compare provision with the engine itself and with the tools that are installed, and write down what was found.

Every environment is made, looked at, changed and removed by each tool in turn, on the same engine, in one run.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import platform
import secrets
import shutil
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from benchmarks import tools
from benchmarks.measuring import Cost, RunFailed
from benchmarks.pure import apart, chain, plan_seconds
from benchmarks.report import curves, number_table, ratio_table
from benchmarks.swarm import swarm
from benchmarks.tools import CHANGED, COLD, REMOVE, STEPS, Shape
from tests.engine_fixtures import remove_project
from tests.recording_proxy import RecordingProxy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.tools import Tool

    Measured = dict[tuple[str, int, str], list[Cost]]

_ROOT = Path(__file__).parents[1]
# Requests grow evenly: they are counted where that takes no time.
_MOST_COUNTED = 50
_WHAT = """\
Every service is one container of a small image on one network, with an init process and a restart policy; each fifth
has a volume. *The engine itself* is the same by bare requests, four at a time, with a removal that does not ask
processes to end. provision waits until each container has proven itself (without a health check it is to run for a
second), and looks once more when all is done; Compose does the first with `--wait`, and not the second. In the
rolling update provision takes one replica down after the other, as is its default; Compose makes all anew at once."""
_ON_SWARM = """\
Services with no replicas: what a manager and a tool make of many services, without the containers. `docker stack`
returns as soon as it has asked for everything; provision looks once more."""
_AGAIN = """\
## Measure it yourself

```sh
python -m benchmarks --sizes 10,50 --repeat 3 --page /tmp/performance.md
```

`--stack 200,2000` measures services without replicas on a Swarm beside `docker stack deploy`; an engine in a container
becomes that Swarm, unless `--swarm` names one. Sizes from 500 on take long: give them a run of their own.

An engine with the image `busybox:1.36` is needed (`--image` names another). Compose and Ansible are found on the
`PATH`, or named with `--compose` and `--ansible`; `--help` tells the rest. What noise does not move (requests, imported
modules, calls of functions) is counted by `tests/performance`."""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    numbers: dict[str, Any] = {"type": lambda text: [int(one) for one in text.split(",") if one], "metavar": "N,N"}
    parser.add_argument("--sizes", default=[10, 50, 200, 500], help="services on a plain engine", **numbers)
    parser.add_argument("--stack", default=[], help="services without replicas, on a Swarm", **numbers)
    parser.add_argument("--swarm", metavar="URL", help="its manager; without it, an engine in a container becomes one")
    parser.add_argument("--pure", default=[100, 1000, 10000], help="objects of a plan in memory", **numbers)
    parser.add_argument("--chain", default=[100, 200, 400], help="services of a chain, in memory", **numbers)
    parser.add_argument("--replicas", type=int, default=10, metavar="N", help="of the rolling update; 0 for none")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of each, one after the other")
    parser.add_argument("--image", default="busybox:1.36", help="an image that is on the engine, with `sleep`")
    parser.add_argument("--compose", metavar="PROGRAM", help="docker-compose, where it is not found by itself")
    parser.add_argument("--ansible", metavar="PROGRAM", help="ansible-playbook, with community.docker")
    parser.add_argument("--collections", default="", metavar="FOLDER", help="where Ansible's collections are")
    parser.add_argument("--ansible-most", type=int, default=50, metavar="N", help="largest size for Ansible")
    parser.add_argument("--note", default="", help="a sentence about the machine, for the page")
    parser.add_argument("--page", type=Path, default=_ROOT / "docs/performance.md", help="where the page is written")
    return parser.parse_args(given)


def peers(chosen: argparse.Namespace, folder: Path, size: int) -> list[Tool]:
    """What is compared on a plain engine at a size, as far as it is there."""
    found: list[Tool] = [tools.Bare(), tools.provision(folder)]
    if program := tools.found_compose(chosen.compose):
        found += [tools.compose(folder, program, waits=False), tools.compose(folder, program, waits=True)]
    program = chosen.ansible or shutil.which("ansible-playbook")
    if program and size <= chosen.ansible_most:
        found.append(tools.ansible(folder, program, chosen.collections))
    return found


def live(tool: Tool, shape: Shape, url: str, steps: Sequence[str] = STEPS) -> list[tuple[str, Cost]]:
    """The life of one environment, made by one tool; what the tool left is removed in any case."""
    project = f"bench-{secrets.token_hex(3)}"
    done = []
    try:
        for step in (COLD, *(one for one in steps if one not in (COLD, REMOVE)), REMOVE):
            if step in tool.does:
                done.append((step, tool.run(step, project, shape, url)))
    except (RunFailed, RuntimeError) as error:
        # What was measured before it counts.
        say(str(error))
    finally:
        # Engine 20.10 may count endpoints on a network that has none, and then keeps it until it is restarted.
        miscounted = contextlib.suppress(docker.errors.APIError)
        with miscounted, contextlib.closing(docker.DockerClient(base_url=url, timeout=300)) as engine:
            remove_project(engine, project)
    return done


class Counting:
    """A tool whose requests are counted, step by step."""

    def __init__(self, tool: Tool, proxy: RecordingProxy) -> None:
        self._tool, self._proxy = tool, proxy
        self.name, self.does = tool.name, tool.does
        self.counts: dict[str, int] = {}

    def run(self, step: str, project: str, shape: Shape, url: str) -> Cost:
        self._proxy.clear()
        cost = self._tool.run(step, project, shape, url)
        self.counts[step] = len(self._proxy.requests)
        return cost


def counted(tool: Tool, shape: Shape, url: str) -> list[tuple[str, Cost]]:
    """The same life through a proxy that counts what is asked; its time says nothing."""
    with contextlib.closing(RecordingProxy(url)) as proxy:
        counting = Counting(tool, proxy)
        done = live(counting, shape, proxy.url)
    return [(step, replace(cost, requests=counting.counts[step])) for step, cost in done]


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def measure(found: Sequence[Tool], shape: Shape, url: str, repeat: int, *, count: bool = False) -> Measured:
    """Each tool in turn, `repeat` times, and once more counted where that is wanted."""
    measured: Measured = defaultdict(list)
    for turn in range(repeat + count):
        for tool in found:
            say(f"{shape.services} services, {tool.name}, run {turn + 1}{' (counting)' if turn == repeat else ''}")
            once = counted if turn == repeat else live
            for step, cost in once(tool, shape, url):
                measured[step, shape.services, tool.name].append(cost)
    return measured


def roll(chosen: argparse.Namespace, folder: Path, url: str) -> Measured:
    """Replicas get another environment, one after the other."""
    measured: Measured = defaultdict(list)
    shape = Shape(1, chosen.image, copies=chosen.replicas)
    for _ in range(chosen.repeat):
        for tool in peers(chosen, folder, chosen.ansible_most + 1):
            if CHANGED in tool.does:
                costs = dict(live(tool, shape, url, (CHANGED,)))
                if CHANGED in costs:
                    measured["rolling", chosen.replicas, tool.name].append(costs[CHANGED])
    return measured


def page(chosen: argparse.Namespace, plain: Measured, stacks: Measured, pure: Sequence[Sequence[str]]) -> str:
    """The page, and beside it the picture of its curves."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    runs = "one run" if chosen.repeat == 1 else f"medians of {chosen.repeat} runs"
    parts = [
        "# Performance",
        f"Written by `python -m benchmarks`: {machine}, {runs}. {chosen.note}".strip(),
    ]
    if plain:
        chosen.page.with_suffix(".svg").write_text(curves(plain), encoding="utf-8")
        parts += [
            _WHAT,
            "## Ratios\n\nThe time of provision, and how many times the time of others that is.",
            ratio_table(plain),
            f"![How the time grows with the number of services]({chosen.page.stem}.svg)",
        ]
    if stacks:
        parts += [f"## On a Swarm\n\n{_ON_SWARM}", ratio_table(stacks)]
    if pure:
        rows = "\n".join(f"| {' | '.join(row)} |" for row in pure)
        parts += ["## Without an engine\n\nSeconds of the processor for a plan of new services, all in memory."]
        parts += [f"| | services | seconds | for each 1,000 |\n| --- | --- | --- | --- |\n{rows}"]
    if plain or stacks:
        parts.append("## All numbers")
        parts += [number_table(plain)] if plain else []
        parts += [f"On the Swarm:\n\n{number_table(stacks)}"] if stacks else []
    parts.append(_AGAIN)
    return "\n\n".join(parts) + "\n"


def main() -> None:
    chosen = arguments()
    # As an install has it. Without it most of a short run would be the compiler's.
    compileall.compile_dir(_ROOT / "provisioner", quiet=2)
    url = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    plain: Measured = {}
    stacks: Measured = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for size in chosen.sizes:
            plain |= measure(
                peers(chosen, folder, size), Shape(size, chosen.image), url, chosen.repeat, count=size <= _MOST_COUNTED
            )
        if chosen.sizes and chosen.replicas:
            plain |= roll(chosen, folder, url)
        if chosen.stack:
            docker_cli = shutil.which("docker")
            found = [tools.provision(folder), *([tools.stack(folder, docker_cli)] if docker_cli else [])]
            with swarm(chosen.swarm, chosen.image, url) as manager:
                for size in chosen.stack:
                    stacks |= measure(found, Shape(size, chosen.image, replicas=0), manager, chosen.repeat)
    pure = []
    plan_seconds(apart(1))  # imports what all need
    for name, make, sizes in (("services", apart, chosen.pure), ("a chain", chain, chosen.chain)):
        for size in sizes:
            seconds = min(plan_seconds(make(size)) for _ in range(chosen.repeat))
            pure.append((name, f"{size:,}", f"{seconds:.2f}", f"{seconds / size * 1000:.2f}"))
    chosen.page.write_text(page(chosen, plain, stacks, pure), encoding="utf-8")
    say(f"written: {chosen.page}")


if __name__ == "__main__":
    main()
