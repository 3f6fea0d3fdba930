"""`provision run`: a command in a container of its own, made from a service."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command, require_before_service
from provisioner.cli.completion import FILE, SERVICE, TARGET, words
from provisioner.cli.options import image_options, image_wishes
from provisioner.cli.settings import own_variables
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.cli.settings import Settings


@click.command(
    "run",
    cls=Command,
    purpose=OPERATE,
    short_help="Run a command once, in a container of its own.",
    context_settings={"allow_interspersed_args": False},
    examples=(
        ("provision run --rm shop/dev api ./manage.py migrate", "with the service's networks, volumes and secrets"),
        ("provision run --rm -T db pg_dump shop > dump.sql", "without a terminal, for pipes"),
        ("provision run --rm --no-deps --entrypoint sh api", "another program, and nothing else is started"),
    ),
    see="What the service depends on is started first, as up would. Options stand before SERVICE; everything after it "
    "belongs to the command. The exit code is the command's. Without --rm the container stays until `down`, "
    "and `ps -a` shows it; interrupted, it is removed. On a Swarm it is a job of one task, which is given no piped "
    "input, and which stays with -d.",
)
@click.argument(
    "arguments", metavar="[TARGET] SERVICE [COMMAND...]", nargs=-1, type=words(TARGET, SERVICE, repeats=False)
)
@click.option("--rm", "remove", is_flag=True, help="Remove the container when it has ended.")
@click.option("-d", "--detach", is_flag=True, help="Do not wait for its end; print its id.")
@click.option("-T", "--no-tty", "--no-TTY", "no_tty", is_flag=True, help="Without a terminal.")
@click.option("-i", "--interactive/--no-interactive", "interactive", default=True, help="Hand input on.")
@click.option("-t", "--tty", is_flag=True, hidden=True, help="Compose has it: there is a terminal where there is one.")
@image_options
@click.option("--no-deps", is_flag=True, help="Do not start what the service depends on.")
@click.option("--entrypoint", metavar="COMMAND", help="Instead of the entrypoint of service or image.")
@click.option(
    "-e",
    "--env",
    "env",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A variable for it; without a value this process's own. Repeatable.",
)
@click.option(
    "--env-from-file", "env_files", multiple=True, metavar="FILE", type=FILE, help="Variables from a file; repeatable."
)
@click.option("-v", "--volume", "volumes", multiple=True, metavar="MOUNT", help="A further mount; repeatable.")
@click.option("-p", "--publish", "publish", multiple=True, metavar="PORT", help="Publish a port; repeatable.")
@click.option("-P", "--service-ports", is_flag=True, help="Publish what the service publishes.")
@click.option("--use-aliases", is_flag=True, help="Others find it under the service's name.")
@click.option("--name", default="", metavar="NAME", help="The name of the container.")
@click.option("-u", "--user", default="", metavar="USER", help="The user to run it as.")
@click.option("-w", "--workdir", default="", metavar="DIR", help="The folder to run it in.")
@click.option("-l", "--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label; repeatable.")
@click.option("--cap-add", multiple=True, metavar="NAME", help="Add a capability; repeatable.")
@click.option("--cap-drop", multiple=True, metavar="NAME", help="Drop a capability; repeatable.")
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    remove: bool,
    detach: bool,
    no_tty: bool,
    interactive: bool,
    tty: bool,
    no_deps: bool,
    entrypoint: str | None,
    env: tuple[str, ...],
    env_files: tuple[str, ...],
    volumes: tuple[str, ...],
    publish: tuple[str, ...],
    service_ports: bool,
    use_aliases: bool,
    name: str,
    user: str,
    workdir: str,
    labels: tuple[str, ...],
    cap_add: tuple[str, ...],
    cap_drop: tuple[str, ...],
    build_first: bool,
    no_build: bool,
    pull_policy: str,
    quiet_pull: bool,
    quiet_build: bool,
) -> int:
    """Run a command once in a container of its own, made from the service: its image, networks, volumes, secrets."""
    target, rest = settings.split(arguments)
    if not rest:
        raise UsageError("provision run: SERVICE missing", hint="provision run [TARGET] SERVICE [COMMAND...]")
    require_before_service(rest[:1])
    if publish and service_ports:
        raise UsageError("--publish and --service-ports contradict each other: give one of them")
    images = image_wishes(build_first, no_build, pull_policy)
    request = settings.request(target)
    from provisioner.app.one_off import RunOptions, run_one_off
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import hushed_verbs, progress_listener
    from provisioner.playbook.one_off import OneOff

    service, *words = rest
    terminal = not no_tty and not detach and _is_terminal()
    run = OneOff(
        service, tuple(words) if words else None, None if entrypoint is None else tuple(shlex.split(entrypoint)),
        environment={**_from_files(env_files), **own_variables(env, settings.environment)}, labels=_pairs(labels),
        mounts=volumes, ports=publish, cap_add=cap_add, cap_drop=cap_drop, user=user, working_dir=workdir,
        service_ports=service_ports, use_aliases=use_aliases, tty=terminal, stdin=interactive and not detach,
    )  # fmt: skip
    options = RunOptions(name=name, detach=detach, remove=remove, dependencies=not no_deps, images=images)
    hushed = hushed_verbs(quiet_pull, quiet_build)
    with interruptible() as interrupt:
        return run_one_off(
            request, run, options, home=settings.environment.get("HOME") or str(Path.home()),
            open_listener=lambda: progress_listener(settings, as_json=False, hushed=hushed), interrupt=interrupt,
            tell=lambda text: settings.out().write(f"{text}\n"),
        )  # fmt: skip


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _from_files(files: Sequence[str]) -> dict[str, str]:
    from provisioner.document.dotenv import parse
    from provisioner.document.findings import Findings
    from provisioner.document.regular_file import read_regular

    result: dict[str, str] = {}
    for file in files:
        try:
            text = read_regular(Path(file)).decode()
        except (OSError, ValueError) as error:
            raise UsageError(f"--env-from-file {file}: {error}") from error
        findings = Findings()
        parsed = parse(text, file, findings, os.environ.get)
        for problem in findings.errors:
            raise UsageError(str(problem), hint=problem.hint)
        values = {
            name: os.environ.get(name) if setting.value is None else setting.value for name, setting in parsed.items()
        }
        result |= {name: value for name, value in values.items() if value is not None}
    return result


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    return dict(text.partition("=")[::2] for text in texts)
