"""The global options of one call, and the Request that they come to."""

from __future__ import annotations

import re
import sys
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from provisioner.app.request import Request
from provisioner.cli.compose_variables import compose_files, env_files, implicit_env_file, with_working_folder
from provisioner.cli.streams import Stream
from provisioner.cli.target import choose, playbooks, split_target
from provisioner.document.paths import exists, is_file
from provisioner.errors import PlaybookInvalid, ProvisionError, UsageError
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.plays import PlayList, Selection
    from provisioner.app.saved_plan import SavedPlan
    from provisioner.app.saved_plays import SavedPlays

# The kinds of objects that commands are given by their address.
ADDRESSED = ("service", "network", "volume", "image", "config", "secret")
# What the parameters of the global options begin with, so that a command's own never meet them.
GLOBAL = "global_"
_SINGLE = (
    "directory", "project_name", "project_directory", "context", "host", "quiet", "verbose", "no_color",
)  # fmt: skip
_LISTS = ("files", "env", "env_files", "profiles", "limits", "tags", "skip_tags")
# A value that says little: a number, a version, a name.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]{0,24}")
# What a saved plan is a plan of.
_IN_A_PLAN = (
    "files", "profiles", "env_files", "project_name", "project_directory", "limits", "tags", "skip_tags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options, whether they stood before or after the command.

    `inherited` names those that come from PROVISION_* variables: what is typed wins over them. `environment` is a
    snapshot of the process environment.
    """

    directory: str | None = None
    files: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    project_name: str | None = None
    project_directory: str | None = None
    limits: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    context: str | None = None
    host: str | None = None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    inherited: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    # Takes the place of both streams where what is written is put together to a picture first.
    picture: Stream | None = None

    def merged(self, params: Mapping[str, Any], source: Callable[[str], ParameterSource | None]) -> Settings:
        """These settings with those that were given as parameters of a context; lists grow, single values win."""
        given = {
            name: params[GLOBAL + name]
            for name in (*_SINGLE, *_LISTS)
            if params.get(GLOBAL + name)
            or (params.get(GLOBAL + name) is False and source(GLOBAL + name) is ParameterSource.COMMANDLINE)
        }
        inherited = {name for name in given if source(GLOBAL + name) is ParameterSource.ENVIRONMENT}
        typed = given.keys() - inherited
        before = {name: getattr(self, name) for name in _LISTS}
        if "files" in typed and "files" in self.inherited:
            before["files"] = ()
        for name in _LISTS:
            if name in given:
                given[name] = before[name] + tuple(given[name])
        # An engine that is typed replaces one from the environment, whichever way it is named.
        for name, other in (("context", "host"), ("host", "context")):
            if name in typed and other not in typed and other in self.inherited | inherited:
                given[other] = None
        return replace(self, **given, inherited=(self.inherited | inherited) - typed)

    def check(self) -> None:
        """Refuse combinations that contradict each other."""
        if self.context and self.host:
            raise UsageError("--context and --host both name an engine: give one of them")
        if self.quiet and self.verbose:
            raise UsageError("-q and -v contradict each other: give one of them")

    def typed(self, target: str | None) -> list[str]:
        """The arguments that name this environment again, in a shell without variables of its own too.

        Values of `-e` that may be a secret are left out.
        """
        if not target and not self.files:
            target = self.environment.get("PROVISION_TARGET") or None
        files = self.files or (self.compose_files() if self.environment.get("COMPOSE_FILE") else ())
        options: tuple[tuple[str, tuple[str | None, ...]], ...] = (
            ("-C", (self.directory,)), ("--env-file", self.env_files), ("--profile", self.profiles),
            ("--limit", self.limits), ("--tags", self.tags), ("--skip-tags", self.skip_tags),
            ("-p", (self.project_name,)), ("--project-directory", (self.project_directory,)),
            ("--context", (self.context,)), ("--host", (self.host,)), ("-f", () if target else files),
        )  # fmt: skip
        words = [word for option, values in options for value in values if value for word in (option, value)]
        words += [word for text in self.env for word in ("-e", _shown(text))]
        return [target, *words] if target else words

    def out(self) -> Stream:
        """Standard output, for results."""
        return self.picture or Stream(sys.stdout, no_color=self.no_color, environment=self.environment)

    def err(self) -> Stream:
        """Standard error, for progress and messages."""
        return self.picture or Stream(sys.stderr, no_color=self.no_color, environment=self.environment)

    def selection(self) -> Selection:
        """Which plays of a list are meant."""
        from provisioner.app.plays import Selection

        return Selection(self.limits, self.tags, self.skip_tags)

    def without_selection(self) -> Settings:
        """These settings for what is one environment, or knows its plays already."""
        return replace(self, limits=(), tags=(), skip_tags=())

    def of_plan_file(self) -> Settings:
        """These settings for a file with a plan: without what it says itself."""
        own = {name: () if isinstance(getattr(self, name), tuple) else None for name in _IN_A_PLAN}
        return replace(self, **own)  # type: ignore[arg-type]

    def plays(self, target: str | None = None) -> PlayList | None:
        """The plays of the list that a TARGET is, narrowed; None where it is one environment."""
        request = self._request(target)
        from provisioner.app.plays import find_plays, select_plays

        plays = find_plays(request)
        if plays is not None:
            return select_plays(plays, self.selection())
        for name in ("limits", "tags", "skip_tags"):
            if getattr(self, name) and name not in self.inherited:
                option = {"limits": "--limit", "skip_tags": "--skip-tags"}.get(name, "--tags")
                raise UsageError(
                    f"{option} chooses plays of a list, and {target or 'this playbook'} is one environment"
                )
        return None

    def request(self, target: str | None = None) -> Request:
        """The Request for the one environment that a TARGET is; of a list, for the one play that is left of it."""
        plays = self.plays(target)
        if plays is None:
            return self._request(target)
        from provisioner.app.plays import only_play

        return only_play(plays).request

    def _request(self, target: str | None = None) -> Request:
        """The Request for a TARGET as its files are named; they are looked up now."""
        directory = str(Path.cwd())
        shell = with_working_folder(self.environment)
        common: dict[str, Any] = {
            "directory": directory,
            "overrides": variables(self.env),
            "env_files": self.env_files or env_files(shell),
            "profiles": self.profiles,
            "project_name": self.project_name,
            "project_directory": self.project_directory,
            "context": self.context,
            "host": self.host,
            "shell": shell,
            "typed": tuple(self.typed(target)),
        }
        if self._files_typed and target:
            raise UsageError(f"both -f and the TARGET '{target}' name a playbook: give one of them")
        if self.files and not target:
            return Request(files=_existing(self.files, directory), **common)
        if not _may_enter("."):
            raise UsageError(
                f"this user may not look into the folder {directory}",
                hint="go to another one with -C DIR; a container is run as the folder's owner with --user",
            )
        default = self.environment.get("PROVISION_TARGET")
        if not target and not default:
            if not common["env_files"]:
                common["ambient_env_file"] = implicit_env_file(self.project_directory or "", shell)
            named = self.compose_files()
            if named:
                return Request(files=_existing(named, directory, " (named by COMPOSE_FILE)"), **common)
        start = self.project_directory or ""
        try:
            chosen = choose(target, default, directory=directory, exists=is_file, known=playbooks, start=start)
        except UsageError as error:
            if target and self._is_service(target):
                raise _service_as_target(target) from error
            if target and error.hint is None and (address := _meant_address(target)):
                raise UsageError(error.message, hint=_with_address(address)) from error
            raise
        if chosen.in_playbooks:
            common["ambient_env_file"] = None
        return Request(files=chosen.files, target=chosen.target, in_playbooks=chosen.in_playbooks, **common)

    def compose_files(self) -> tuple[str, ...]:
        """The files that COMPOSE_FILE names, in the shell or in the env files that count here."""
        environment = {**self.environment, **variables(self.env)}
        files = self.env_files or env_files(environment)
        if not files:
            ambient = implicit_env_file(self.project_directory or "", environment)
            files = (ambient,) if ambient else ()
        return compose_files(environment, files)

    def optional_request(self, target: str | None, *, search: bool) -> Request:
        """The Request where a playbook is named, or with `search` also where one is found; else one without files."""
        if target or self._files_typed:
            return self.request(target)
        if search:
            try:
                return self.request(target)
            except UsageError:
                pass
        return self._on_engine()

    def request_without_files(self, target: str | None, option: str) -> Request:
        """The Request for an engine alone. UsageError where a playbook is named beside the option."""
        if target or self._files_typed:
            raise UsageError(f"both {option} and {target or '-f'} name an environment: give one of them")
        return self._on_engine()

    def _on_engine(self) -> Request:
        return Request(
            files=(), directory=str(Path.cwd()), context=self.context, host=self.host, shell=self.environment
        )

    def planned(self, saved: SavedPlan | SavedPlays) -> Request:
        """The Request that a saved plan was made for. Variables and the engine may be given again, nothing else."""
        asked = saved.request
        if any(getattr(self, name) and name not in self.inherited for name in _IN_A_PLAN):
            raise UsageError(
                f"{saved.path} says what it is a plan of: -f, -p, --profile, --env-file, --project-directory, "
                "--limit and --tags do not go with it"
            )
        overrides = variables(self.env)
        missing = [name for name in asked["overrides"] if name not in overrides]
        if missing:
            raise UsageError(
                f"{saved.path} was made with -e {', -e '.join(missing)}, whose values are not in it",
                hint="give the same values again",
            )
        for file in (*asked["files"], *asked["env_files"]):
            if not is_file(file):
                raise UsageError(
                    f"{saved.path} is a plan of {file}, which is not in {Path.cwd()}",
                    hint=f"apply it where it was made: -C {asked['directory']}",
                )
        typed = self.context or self.host
        return Request(
            files=tuple(asked["files"]),
            directory=str(Path.cwd()),
            target=asked["target"],
            in_playbooks=asked["in_playbooks"],
            overrides=overrides,
            env_files=tuple(asked["env_files"]),
            profiles=tuple(asked["profiles"]),
            project_name=asked.get("project_name"),
            project_directory=asked.get("project_directory"),
            ambient_env_file=asked.get("ambient_env_file"),
            context=self.context if typed else asked["context"],
            host=self.host if typed else asked["host"],
            shell=with_working_folder(self.environment),
        )

    def split(self, arguments: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
        """`[TARGET] SERVICE...` taken apart."""
        return split_target(arguments, files_named=self._files_typed, directory=str(Path.cwd()), exists=is_file)

    def _is_service(self, name: str) -> bool:
        """Whether the playbook that is meant without a TARGET has a service of this name."""
        from provisioner.app.load import load_document

        try:
            document = load_document(self.request())
        except ProvisionError:
            return False
        services = document.root.get("services")
        return name in document.inactive or (services is not None and name in services.mapping)

    @property
    def _files_typed(self) -> bool:
        return bool(self.files) and "files" not in self.inherited


def _service_as_target(name: str) -> UsageError:
    """What is said of a service in the place of a TARGET, with what the command takes."""
    hint = _with_address(f"service.{name}")
    return UsageError(f"'{name}' is a service, and in its place a playbook is named", hint=hint)


def _with_address(address: str) -> str:
    """How the command that runs is given an address."""
    context = click.get_current_context(silent=True)
    command = context.info_name if context is not None else "COMMAND"
    if context is not None and context.params.get("releases"):
        return f"provision {command} --release {address}"
    takes = context is not None and any(parameter.name == "addresses" for parameter in context.command.params)
    return f"provision {command} --target {address}" if takes else f"provision {command} is of a whole playbook"


def _meant_address(target: str) -> str:
    """The address that a TARGET seems to be meant as, its kind spelled as it should be; empty where it is none."""
    from difflib import get_close_matches

    address = Address.parse(target)
    kinds = get_close_matches(address.kind, ADDRESSED, n=1, cutoff=0.75) if address is not None else []
    return str(replace(address, kind=kinds[0])) if address is not None and kinds else ""


def _shown(text: str) -> str:
    """`NAME=VALUE`, to be typed again; without the value where it may be a secret."""
    from provisioner.kinds.compare import looks_secret

    name, _, value = text.partition("=")
    return text if _PLAIN.fullmatch(value) and not looks_secret(name, value) else f"{name}=..."


def _existing(files: tuple[str, ...], directory: str, why: str = "") -> tuple[str, ...]:
    """The files, after a look whether they are there."""
    for file in files:
        if file != "-" and not exists(file):
            said = f"there is no such file in {directory}{why}" if _may_enter(file) else "this user may not look there"
            raise PlaybookInvalid([Problem(said, Span(file))])
    return files


def _may_enter(file: str) -> bool:
    """Whether this user may look at what is in a folder, or at a file."""
    try:
        Path(file, ".env").stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return True


def variables(texts: Sequence[str]) -> dict[str, str]:
    """Name → value from `-e NAME=VALUE`; what is wrong is said without showing it, it may be a secret."""
    result = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError("-e wants NAME=VALUE", hint="for example: -e API_REPLICAS=3")
        result[name] = value
    return result


def own_variables(texts: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Name → value for a command in a container, from `-e NAME=VALUE` or `-e NAME`.

    A name alone takes its value from this process, and is left out where there is none.
    """
    result = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not name:
            raise UsageError("-e wants NAME=VALUE or NAME", hint="for example: -e DEBUG=1")
        if separator:
            result[name] = value
        elif name in environment:
            result[name] = environment[name]
    return result
