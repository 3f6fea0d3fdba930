"""The options that commands share, and what their values mean."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.completion import (
    ADDRESS,
    CONTEXT,
    FILE,
    FOLDER,
    PLAY,
    PROFILE,
    SERVICE_EQUALS,
    TAG,
    TARGET,
    VARIABLE,
    listed,
)
from provisioner.cli.settings import GLOBAL
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.image_wishes import ImageWishes
    from provisioner.model.address import Address
    from provisioner.model.plan import Policy


def global_options(taken: frozenset[str] = frozenset(), *, after_command: bool = False) -> list[click.Option]:
    """The global options. After a command, spellings that it uses itself are left to it and help does not repeat them.

    The environment is read once, by the options before the command. Commands that leave the same spellings share them.
    """
    spellings = {opt for option in _global_options(frozenset(), after_command) for opt in option.opts}
    return list(_global_options(taken & spellings, after_command))


@cache
def _global_options(taken: frozenset[str], after_command: bool) -> tuple[click.Option, ...]:
    options: list[click.Option] = []

    def option(name: str, *spellings: str, variable: str, **attributes: Any) -> None:
        free = [spelling for spelling in spellings if spelling not in taken]
        envvar = None if after_command else f"PROVISION_{variable}"
        if free:
            options.append(click.Option([GLOBAL + name, *free], hidden=after_command, envvar=envvar, **attributes))

    # fmt: off
    option("directory", "-C", "--directory", variable="DIRECTORY", metavar="DIR", type=FOLDER,
           help="Work in this folder.")
    option("files", "-f", "--file", variable="FILE", metavar="FILE", multiple=True, type=listed(FILE, os.pathsep),
           help="A playbook or Compose file, instead of a TARGET; repeat to merge in order.")
    option("env", "-e", "--env", variable="ENV", metavar="NAME=VALUE", multiple=True, type=VARIABLE,
           help="A variable for ${NAME}; wins over shell and files.")
    option("env_files", "--env-file", variable="ENV_FILE", metavar="FILE", multiple=True,
           type=listed(FILE, os.pathsep), help="A file of variables.")
    option("profiles", "--profile", variable="PROFILE", metavar="NAME", multiple=True, type=listed(PROFILE, ","),
           help="Switch a profile on.")
    option("project_name", "-p", "--project-name", variable="PROJECT_NAME", metavar="NAME",
           help="What objects on the engine are called after, instead of the playbook's name.")
    option("project_directory", "--project-directory", variable="PROJECT_DIRECTORY", metavar="DIR", type=FOLDER,
           help="Where relative paths in the files and .env start; by default the first file's folder.")
    option("limits", "--limit", variable="LIMIT", metavar="PLAY", multiple=True, type=PLAY,
           help="Of a list of plays only these, by name or TARGET; commas between them, or repeat.")
    option("tags", "--tags", variable="TAGS", metavar="TAG", multiple=True, type=TAG,
           help="Of a list of plays only those with one of these tags.")
    option("skip_tags", "--skip-tags", variable="SKIP_TAGS", metavar="TAG", multiple=True, type=TAG,
           help="Of a list of plays none with one of these tags.")
    option("context", "--context", variable="CONTEXT", metavar="NAME", type=CONTEXT,
           help="The Docker context of the engine.")
    option("host", "-H", "--host", variable="HOST", metavar="URL",
           help="The engine: unix://, tcp:// or ssh://. Not with --context.")
    option("quiet", "-q", "--quiet", variable="QUIET", is_flag=True, help="Results only, no progress.")
    option("verbose", "-v", "--verbose", variable="VERBOSE", is_flag=True, help="Details; tracebacks of defects.")
    option("no_color", "--no-color", variable="NO_COLOR", is_flag=True, help="No colours; NO_COLOR does the same.")
    # fmt: on
    return tuple(options)


def is_global(name: str | None) -> bool:
    """Whether a parameter is one of the global options."""
    return bool(name) and str(name).startswith(GLOBAL)


def target_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """`[TARGET]`: which playbook."""
    return click.argument("target", required=False, type=TARGET)(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: output for programs."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout, for programs.")(function)


def yes_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--yes`: do not ask."""
    return click.option(
        "-y", "--yes", "--auto-approve", "yes", is_flag=True, envvar="PROVISION_YES", help="Do not ask. (PROVISION_YES)"
    )(function)


def parallel_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--parallel N`: steps at once."""
    return click.option(
        "--parallel", type=click.IntRange(1, 64), default=8, show_default=True, envvar="PROVISION_PARALLEL",
        metavar="N", help="Most steps at the same time.",
    )(function)  # fmt: skip


def wait_timeout_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--wait-timeout SECONDS`: the longest wait for one object; None is each object's own."""
    return click.option(
        "--wait-timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
        envvar="PROVISION_WAIT_TIMEOUT", help="Longest wait for one object to become ready.",
    )(function)  # fmt: skip


def lock_timeout_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--lock-timeout SECONDS`: how long another apply is waited for."""
    return click.option(
        "--lock-timeout", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", envvar="PROVISION_LOCK_TIMEOUT",
        help="Wait so long for another apply to give back the lease.",
    )(function)  # fmt: skip


def image_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is wished of images before services are made from them; `image_wishes` reads them."""
    for decorate in reversed((
        click.option("--build", "build_first", is_flag=True, help="Build the images first that are built."),
        click.option("--no-build", is_flag=True, help="Do nothing where an image would have to be built."),
        click.option("--pull", "pull_policy", type=click.Choice(["always", "missing", "never"]), default="missing",
                     help="Pull always, what is missing, or do nothing where something is missing."),
        click.option("--quiet-pull", is_flag=True, help="Do not tell how a pull gets on."),
        click.option("--quiet-build", is_flag=True, help="Do not tell how a build gets on."),
    )):  # fmt: skip
        function = decorate(function)
    return function


def image_wishes(build_first: bool, no_build: bool, pull_policy: str) -> ImageWishes:
    """What `image_options` come to. UsageError for options that contradict each other."""
    from provisioner.app.image_wishes import ImageWishes

    if build_first and no_build:
        raise UsageError("--build and --no-build are given: one of them is meant")
    return ImageWishes(build_first, pull_policy == "always", no_build, pull_policy == "never")


def keep_going_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--keep-going`: after a failure do what does not need what failed."""
    return click.option(
        "--keep-going", is_flag=True, help="After a failure do everything that does not need what failed."
    )(function)


def insecure_transport_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--insecure-transport`: values of secrets may go over plain TCP to another machine."""
    return click.option(
        "--insecure-transport", is_flag=True, envvar="PROVISION_INSECURE_TRANSPORT",
        help="Send values of secrets over plain TCP to another machine.",
    )(function)  # fmt: skip


def plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What narrows or widens a plan."""
    for decorate in reversed((
        click.option("--target", "addresses", metavar="ADDRESS", multiple=True, type=ADDRESS,
                     help="Only this object, such as service.api (api where that is unique), and what it needs; "
                     "repeatable."),
        click.option("--replace", "replaced", metavar="ADDRESS", multiple=True, type=ADDRESS,
                     help="Make this service anew, even where nothing of it differs; repeatable."),
        click.option("--rerun", "rerun", metavar="ADDRESS", multiple=True, type=ADDRESS,
                     help="Run this job again, even where it has been done; repeatable."),
        click.option("--scale", "scale", metavar="SERVICE=N", multiple=True, type=SERVICE_EQUALS,
                     help="Run N replicas; repeatable."),
        click.option("--prune", is_flag=True, help="Also delete objects that the playbook no longer declares."),
        click.option("--allow-empty", is_flag=True, help="Prune also where the playbook declares no service any more."),
        click.option("--accept-new-key", is_flag=True,
                     help="Give secrets that can not be compared, since their fingerprint key is lost, new versions."),
    )):  # fmt: skip
        function = decorate(function)
    return function


def narrowed(addresses: Sequence[str], scale: Sequence[str], **flags: bool) -> list[str]:
    """What narrows or widens a plan, as it was typed: the same for every look at it."""
    words = [word for address in addresses for word in ("--target", address)]
    words += [word for entry in scale for word in ("--scale", entry)]
    return [*words, *(f"--{name.replace('_', '-')}" for name, given in flags.items() if given)]


def made_anew(replaced: Sequence[str], rerun: Sequence[str]) -> list[str]:
    """What is done once though nothing differs, as it was typed: a plan made afterwards is asked without it."""
    words = [word for address in replaced for word in ("--replace", address)]
    return [*words, *(word for address in rerun for word in ("--rerun", address))]


def policy(
    addresses: Sequence[str] = (), replaced: Sequence[str] = (), rerun: Sequence[str] = (), **permitted: Any
) -> Policy:
    """The Policy for the options of a command. Addresses are checked for their form."""
    from provisioner.model.plan import Policy

    return Policy(
        targets=_parsed("--target", addresses),
        made_anew=_parsed("--replace", replaced),
        rerun=_parsed("--rerun", rerun),
        **permitted,
    )


def _parsed(option: str, texts: Sequence[str]) -> tuple[Address, ...]:
    from provisioner.model.address import Address

    addresses = []
    for text in texts:
        address = Address.parse(text) or Address.parse_name(text)
        if address is None:
            raise UsageError(
                f"{option} '{text}' is not an address",
                hint="write KIND.NAME: service.api, volume.pgdata, service.api[2]; or a name that is unique",
            )
        addresses.append(address)
    return tuple(addresses)


def scales(texts: Sequence[str]) -> dict[str, int]:
    """Service → replicas from `--scale SERVICE=N`."""
    result = {}
    for text in texts:
        service, separator, number = text.partition("=")
        if not separator or not service or not number.isascii() or not number.isdigit():
            raise UsageError(f"--scale '{text}' is not SERVICE=N", hint="for example: --scale api=3")
        result[service] = int(number)
    return result


def snapshot() -> Mapping[str, str]:
    """The process environment as it is now."""
    return dict(os.environ)
