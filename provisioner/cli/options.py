"""The options that every command shares, and the Request that they come to."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.app.request import Request
from provisioner.cli.streams import Stream
from provisioner.cli.target import choose, playbooks, split_target
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.model.plan import Policy

_GLOBAL = "global_"


class _Listed(click.ParamType):  # type: ignore[type-arg]
    """A repeatable text whose environment variable lists several, apart by `splitter`."""

    name = "text"

    def __init__(self, splitter: str) -> None:
        self.envvar_list_splitter = splitter  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options of one call, whether they stood before or after the command."""

    directory: str | None = None
    files: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    context: str | None = None
    host: str | None = None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    files_from_environment: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def merged(self, params: Mapping[str, Any], source: Callable[[str], Any]) -> Settings:
        """These settings with those that were given as parameters of a context; lists grow, single values win."""
        given: dict[str, Any] = {}
        for name in ("directory", "context", "host", "quiet", "verbose", "no_color"):
            value = params.get(_GLOBAL + name)
            if value:
                given[name] = value
        for name in ("files", "env", "env_files", "profiles"):
            value = params.get(_GLOBAL + name)
            if value:
                given[name] = getattr(self, name) + tuple(value)
        if given.get("files"):
            from_environment = source(_GLOBAL + "files") is click.core.ParameterSource.ENVIRONMENT
            given["files_from_environment"] = from_environment
            if not from_environment and self.files_from_environment:
                given["files"] = tuple(params[_GLOBAL + "files"])
        return replace(self, **given)

    def check(self) -> None:
        """Refuse combinations that contradict each other."""
        if self.context and self.host:
            raise UsageError("--context and --host both name an engine: give one of them")
        if self.quiet and self.verbose:
            raise UsageError("-q and -v contradict each other: give one of them")

    def out(self) -> Stream:
        """Standard output, for results."""
        return Stream(sys.stdout, no_color=self.no_color, environment=self.environment)

    def err(self) -> Stream:
        """Standard error, for progress and messages."""
        return Stream(sys.stderr, no_color=self.no_color, environment=self.environment)

    def request(self, target: str | None = None) -> Request:
        """The Request for a TARGET; the files that it names are looked up now."""
        directory = str(Path.cwd())
        common: dict[str, Any] = {
            "directory": directory,
            "overrides": variables(self.env),
            "env_files": self.env_files,
            "profiles": self.profiles,
            "context": self.context,
            "host": self.host,
            "shell": self.environment,
        }
        if self.files and target and not self.files_from_environment:
            raise UsageError(f"both -f and the TARGET '{target}' name a playbook: give one of them")
        if self.files and not target:
            for file in self.files:
                if file != "-" and not Path(file).exists():
                    raise UsageError(f"there is no file '{file}' in {directory}")
            return Request(files=self.files, **common)
        chosen = choose(
            target,
            self.environment.get("PROVISION_TARGET"),
            directory=directory,
            exists=lambda path: Path(path).is_file(),
            known=lambda: playbooks(directory),
        )
        return Request(files=chosen.files, target=chosen.target, in_playbooks=chosen.in_playbooks, **common)

    def split(self, arguments: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
        """`[TARGET] SERVICE...` taken apart."""
        return split_target(arguments, files_named=bool(self.files), exists=lambda path: Path(path).is_file())


def global_options(taken: frozenset[str] = frozenset(), *, after_command: bool = False) -> list[click.Option]:
    """The global options. After a command, spellings that it uses itself are left to it and help does not repeat them.

    The environment is read once, by the options before the command.
    """

    options: list[click.Option] = []

    def option(name: str, *spellings: str, variable: str, **attributes: Any) -> None:
        free = [spelling for spelling in spellings if spelling not in taken]
        envvar = None if after_command else f"PROVISION_{variable}"
        if free:
            options.append(click.Option([_GLOBAL + name, *free], hidden=after_command, envvar=envvar, **attributes))

    # fmt: off
    option("directory", "-C", "--directory", variable="DIRECTORY", metavar="DIR", help="Work in this folder.")
    option("files", "-f", "--file", variable="FILE", metavar="FILE", multiple=True, type=_Listed(os.pathsep),
           help="A playbook or Compose file, instead of a TARGET; repeat to merge in order.")
    option("env", "-e", "--env", variable="ENV", metavar="NAME=VALUE", multiple=True,
           help="A variable for ${NAME}; wins over shell and files.")
    option("env_files", "--env-file", variable="ENV_FILE", metavar="FILE", multiple=True, type=_Listed(os.pathsep),
           help="A file of variables.")
    option("profiles", "--profile", variable="PROFILE", metavar="NAME", multiple=True, type=_Listed(","),
           help="Switch a profile on.")
    option("context", "--context", variable="CONTEXT", metavar="NAME", help="The Docker context of the engine.")
    option("host", "-H", "--host", variable="HOST", metavar="URL",
           help="The engine: unix://, tcp:// or ssh://. Not with --context.")
    option("quiet", "-q", "--quiet", variable="QUIET", is_flag=True, help="Results only, no progress.")
    option("verbose", "-v", "--verbose", variable="VERBOSE", is_flag=True, help="Details; tracebacks of defects.")
    option("no_color", "--no-color", variable="NO_COLOR", is_flag=True, help="No colours; NO_COLOR does the same.")
    # fmt: on
    return options


def is_global(name: str | None) -> bool:
    """Whether a parameter is one of the global options."""
    return bool(name) and str(name).startswith(_GLOBAL)


def target_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """`[TARGET]`: which playbook."""
    return click.argument("target", required=False, shell_complete=_complete_target)(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: output for programs."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout, for programs.")(function)


def yes_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--yes`: do not ask."""
    return click.option(
        "-y", "--yes", "--auto-approve", "yes", is_flag=True, envvar="PROVISION_YES", help="Do not ask. (PROVISION_YES)"
    )(function)


def plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What narrows or widens a plan."""
    for decorate in reversed((
        click.option("--target", "addresses", metavar="ADDRESS", multiple=True,
                     help="Only this object, such as service.api, and what it needs; repeatable."),
        click.option("--scale", "scale", metavar="SERVICE=N", multiple=True, help="Run N replicas; repeatable."),
        click.option("--prune", is_flag=True, help="Also delete objects that the playbook no longer declares."),
    )):  # fmt: skip
        function = decorate(function)
    return function


def policy(addresses: Sequence[str] = (), **permitted: Any) -> Policy:
    """The Policy for the options of a command. Addresses are checked for their form."""
    from provisioner.model.address import Address
    from provisioner.model.plan import Policy

    targets = []
    for text in addresses:
        address = Address.parse(text)
        if address is None:
            raise UsageError(
                f"--target '{text}' is not an address",
                hint="write KIND.NAME: service.api, volume.pgdata, service.api[2]",
            )
        targets.append(address)
    return Policy(targets=tuple(targets), **permitted)


def scales(texts: Sequence[str]) -> dict[str, int]:
    """Service → replicas from `--scale SERVICE=N`."""
    result = {}
    for text in texts:
        service, separator, number = text.partition("=")
        if not separator or not service or not number.isascii() or not number.isdigit():
            raise UsageError(f"--scale '{text}' is not SERVICE=N", hint="for example: --scale api=3")
        result[service] = int(number)
    return result


def variables(texts: Sequence[str]) -> dict[str, str]:
    """Name → value from `-e NAME=VALUE`; what is wrong is said without showing it, it may be a secret."""
    result = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError("-e wants NAME=VALUE", hint="for example: -e API_REPLICAS=3")
        result[name] = value
    return result


def snapshot() -> Mapping[str, str]:
    """The process environment as it is now."""
    return dict(os.environ)


def _complete_target(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in playbooks(str(Path.cwd())) if name.startswith(incomplete)]
