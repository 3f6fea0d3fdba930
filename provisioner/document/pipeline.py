"""The phases from files to a canonical document, in order. Each does one thing to the reading and leaves the rest."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.document import complete, declarations, environment, names
from provisioner.document.attributes import rules
from provisioner.document.consistency import Consistency, active
from provisioner.document.files import Files
from provisioner.document.findings import Findings
from provisioner.document.interpolate import Interpolation
from provisioner.document.layers import Layers, Source, distinct
from provisioner.document.masks import Masks
from provisioner.document.merge import unique
from provisioner.document.paths import here, is_file, join, parent, project_root
from provisioner.document.secret_files import check_paths, identities
from provisioner.document.shape import mapping
from provisioner.document.sources import CONSISTENCY, ENVIRONMENT, INTERPOLATION, NORMALISATION, Document
from provisioner.document.text import STDIN
from provisioner.document.undeployed import find_undeployed
from provisioner.document.unused import prune, unused
from provisioner.document.variables import COMMAND_LINE, SHELL, Scope, Uses, Variable, report, tier
from provisioner.errors import PlaybookInvalid
from provisioner.model.dataclass import dataclass
from provisioner.model.node import Node
from provisioner.model.span import Problem, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.document.sources import Sources
    from provisioner.document.variables import Tier
    from provisioner.model.node import JSON
    from provisioner.model.unused import Undeployed, Unused

_PROJECT = "COMPOSE_PROJECT_NAME"
_CONSUMED = ("version", "name", "include", "extends", "env_files", "vars")


def read(sources: Sources) -> Document:
    """The playbook that `sources` name. Raises PlaybookInvalid with every problem that was found."""
    reading = _Reading(sources)
    for phase in PHASES:
        phase.run(reading)
        if reading.stopped:
            break
    if reading.findings.errors:
        raise PlaybookInvalid(reading.findings.errors)
    uses = report(reading.uses, _declared(reading.scope))
    return Document(
        root=reading.root,
        project=reading.names.project,
        name=reading.names.name,
        environment=reading.names.environment,
        directory=reading.directory,
        files=tuple(reading.files.read),
        documents=tuple(reading.files.documents),
        warnings=(*reading.unset, *reading.findings.warnings),
        unset=tuple(reading.unset),
        variables=uses,
        profiles=reading.profiles,
        inactive=frozenset(reading.inactive),
        unused=reading.unused,
        undeployed=reading.undeployed,
        without=sources.without,
    )


def canonical(document: Document) -> JSON:
    """What `config --format json` prints: for a Compose file, what Compose prints for it."""
    root = document.root.plain()
    assert isinstance(root, dict)
    services = root.get("services")
    for service in services.values() if isinstance(services, dict) else ():
        if isinstance(service, dict):
            _as_compose(service)
    networks = root.get("networks")
    for network in networks.values() if isinstance(networks, dict) else ():
        if isinstance(network, dict):
            network.setdefault("ipam", {})
    root.setdefault("services", {})
    if INTERPOLATION in document.without:
        # Dollars are as the files have them.
        return root
    escaped = _escaped(root)
    secrets = escaped.get("secrets") if isinstance(escaped, dict) else None
    for secret in secrets.values() if isinstance(secrets, dict) else ():
        if isinstance(secret, dict) and isinstance(secret.get("template"), str):
            secret["template"] = str(secret["template"]).replace("$${secret:", "${secret:")
    return escaped


@dataclass(slots=True)
class _Reading:
    """One reading as it grows, phase by phase."""

    sources: Sources
    findings: Findings = field(default_factory=Findings)
    uses: Uses = field(default_factory=Uses)
    unset: dict[Problem, None] = field(default_factory=dict)
    scope: Scope = field(default_factory=lambda: Scope(()))
    directory: str = ""
    paths: tuple[str, ...] = ()
    layers: list[Source] = field(default_factory=list)
    names: names.Names = field(default_factory=lambda: names.Names("", None, ""))
    base: Node | None = None
    root: Node = field(default_factory=lambda: Node({}, Span("")))
    profiles: frozenset[str] = frozenset()
    inactive: Mapping[str, Node] = field(default_factory=dict)
    unused: tuple[Unused, ...] = ()
    undeployed: tuple[Undeployed, ...] = ()
    stopped: bool = False
    masks: Masks | None = None
    files: Files = field(init=False)
    home: str = field(init=False)

    def __post_init__(self) -> None:
        self.files = Files(here(), self.findings)
        self.masks = Masks() if INTERPOLATION in self.sources.without else None
        self.home = self.sources.environment.get("HOME") or _home_of_the_user()

    @property
    def reader(self) -> Layers:
        return Layers(self.files, self.uses, self.unset, self.home, self.findings, self.masks)

    def interpolation(self) -> Interpolation:
        return Interpolation(self.scope, self.uses, self.findings, self.unset)


def _home_of_the_user() -> str:
    try:
        import pwd
    except ImportError:
        # Windows.
        return str(Path.home())
    return pwd.getpwuid(os.getuid()).pw_dir


@dataclass(frozen=True, slots=True)
class Phase:
    """A step of reading: its name, what it does, and the function that does it."""

    name: str
    about: str
    run: Callable[[_Reading], None]


def _locate(reading: _Reading) -> None:
    asked = reading.sources
    if not asked.files:
        reading.findings.error("no playbook is named", None)
        reading.stopped = True
        return
    paths = []
    for name in asked.files:
        path = name if name == STDIN else join(here(), name)
        reading.files.name(path, "standard input" if name == STDIN else name)
        paths.append(path)
    reading.paths = tuple(paths)
    first = paths[0]
    folder = here() if first == STDIN else parent(first)
    reading.directory = join(here(), asked.directory) if asked.directory is not None else folder
    reading.files.secret_files = identities([reading.directory])
    folders = (reading.directory, *(parent(path) for path in paths if path != STDIN))
    reading.files.folders = tuple(root for folder in folders for root in project_root(folder))
    reading.scope = Scope((tier(asked.overrides, COMMAND_LINE), tier(asked.environment, SHELL)))


def _env_files(reading: _Reading) -> None:
    explicit = bool(reading.sources.env_files)
    outer = reading.scope
    tiers: list[Tier] = []
    for group in _asked_env_files(reading):
        tiers += reading.files.tiers([(path, None) for path in group], outer.below(*tiers).value)
    reading.scope = outer.below(*tiers)
    for path in reading.paths:
        reading.layers.extend(reading.reader.sources(path, reading.directory, reading.scope))
    reading.layers = distinct(reading.layers)
    if not reading.layers:
        reading.stopped = True
        return
    named: list[tuple[str, Span]] = []
    for source in reading.layers:
        inside = parent(source.path) if source.path != STDIN else reading.directory
        named.extend(reading.reader.named(source.root, "env_files", inside, reading.scope))
    own = reading.files.tiers(named, reading.scope.value)
    # An env file that the playbook names is meant for it; `.env` may be there for anything.
    reading.scope = outer.below(*tiers, *own) if explicit else outer.below(*own, *tiers)
    given = [reading.reader.variables(section, reading.scope) for section in reading.sources.vars]
    reading.scope = reading.scope.below(*given, *reading.reader.declared(reading.layers, reading.scope))


def _asked_env_files(reading: _Reading) -> list[list[str]]:
    """The env files that are named; else `.env` of the folder of the command, then of the project, each by itself."""
    asked = reading.sources
    for name in asked.env_files:
        reading.files.name(join(here(), name), name)
    if asked.env_files:
        return [[join(here(), name) for name in asked.env_files]]
    if asked.environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in ("1", "t", "true"):
        return []
    implicit = [join(here(), asked.ambient_env_file)] if asked.ambient_env_file else []
    implicit.append(join(reading.directory, ".env"))
    return [[path] for path in dict.fromkeys(implicit) if is_file(path)]


def _name(reading: _Reading) -> None:
    def last(key: str) -> Node | None:
        nodes = [node for source in reading.layers if (node := source.root.get(key)) is not None]
        return reading.interpolation().apply(nodes[-1], (key,)) if nodes else None

    asked = reading.sources
    reading.names = names.find(
        name=last("name"),
        environment=last("environment"),
        path=reading.paths[0],
        directory=reading.directory,
        in_playbooks=asked.in_playbooks,
        asked=asked.project_name,
        from_environment=reading.scope.value(_PROJECT),
        findings=reading.findings,
    )
    project = {_PROJECT: Variable(reading.names.project, "project")}
    reading.scope = Scope((project, *reading.scope.tiers))


def _secrets(reading: _Reading) -> None:
    if not reading.sources.in_playbooks:
        return
    secrets = declarations.declared(
        reading.paths[0], reading.names, reading.files, reading.interpolation(), reading.home, reading.findings
    )
    if secrets is not None:
        reading.base = mapping({"secrets": secrets}, Node({}, secrets.span))


def _merge(reading: _Reading) -> None:
    reading.root = reading.reader.merged(reading.layers, reading.scope, base=reading.base)
    if not any(source.root.value for source in reading.layers) and not reading.findings.errors:
        hint = "it needs at least `services:`"
        message = "the file is empty" if len(reading.layers) == 1 else "all of the files are empty"
        reading.findings.error(message, reading.layers[0].root.span, hint=hint)
    if reading.masks is not None:
        reading.root = reading.masks.lift(reading.root)
    version = reading.root.get("version")
    if version is not None:
        reading.findings.warn("`version` is obsolete and ignored", version.span, ("version",), "remove it")


def _unique(reading: _Reading) -> None:
    reading.root = unique(reading.root, rules())


def _profiles(reading: _Reading) -> None:
    asked = reading.sources.profiles or tuple((reading.scope.value("COMPOSE_PROFILES") or "").split(","))
    # As in Compose, a service with an empty profile is one that runs when none is asked for.
    wanted = frozenset(name.strip() for name in asked)
    reading.profiles = wanted - {""}
    reading.root, reading.inactive = active(reading.root, wanted)


def _defaults(reading: _Reading) -> None:
    reading.root = complete.fill(reading.root, rules(), reading.findings)


def _environment(reading: _Reading) -> None:
    services = reading.root.get("services")
    if services is not None and not {ENVIRONMENT, INTERPOLATION} & reading.sources.without:
        resolved = environment.resolve(services, reading.files, reading.scope.value)
        reading.unset.update(reading.files.unset)
        reading.root = mapping({**reading.root.mapping, "services": resolved}, reading.root)


def _normalise(reading: _Reading) -> None:
    root = reading.root
    if NORMALISATION not in reading.sources.without:
        root = complete.normalise(root, reading.names.project, reading.directory, reading.scope.value)
    project_names = reading.names
    entries: dict[str, Node] = {"name": Node(project_names.project, root.span)}
    entries.update({key: item for key, item in root.mapping.items() if key not in _CONSUMED})
    if (
        project_names.environment is not None
        and project_names.project == f"{project_names.name}-{project_names.environment}"
    ):
        # Read again, the canonical document has the same names.
        entries["name"] = Node(project_names.name, root.span)
        entries["environment"] = root.get("environment") or Node(project_names.environment, root.span)
    reading.root = mapping(entries, root)


def _check(reading: _Reading) -> None:
    if {CONSISTENCY, INTERPOLATION, NORMALISATION} & reading.sources.without:
        return
    Consistency(reading.root, reading.inactive, reading.findings).check()
    check_paths(reading.root, reading.directory, reading.findings)


def _trim(reading: _Reading) -> None:
    reading.unused = unused(reading.root, reading.inactive)
    # A variable may name what it seems that nothing uses.
    kept = reading.root if reading.masks is not None else prune(reading.root)
    reading.undeployed = find_undeployed(reading.root, kept, reading.inactive, reading.names.project)
    reading.root = complete.trim(kept, rules())


PHASES: tuple[Phase, ...] = (
    Phase("locate", "Make the paths of the files absolute and find the project directory.", _locate),
    Phase(
        "variables", "Read the files, what they extend, and the env files; put variables into their order.", _env_files
    ),
    Phase("name", "Find the names of the system, the environment and the project.", _name),
    Phase("secrets", "Read the declarations in secrets/, over which the playbook is laid.", _secrets),
    Phase("merge", "Interpolate, check and write out each file; include, extend, and merge them in order.", _merge),
    Phase("unique", "In lists whose items have a key, let the last of equal ones stay.", _unique),
    Phase("profiles", "Leave out the services that no active profile starts.", _profiles),
    Phase("defaults", "Fill in defaults, and tell what is missing.", _defaults),
    Phase("environment", "Read env_file and label_file, and take values from the environment.", _environment),
    Phase("normalise", "Add implied networks and dependencies, and the names of objects.", _normalise),
    Phase(
        "consistency", "Check that everything that is referred to is there, and that nothing waits for itself.", _check
    ),
    Phase("trim", "Leave out what nothing uses and what says nothing.", _trim),
)


def _declared(scope: Scope) -> list[tuple[str, tuple[Variable, ...]]]:
    """What env files and `vars` set, used or not; the shell's variables are nobody's business until they are used."""
    origins = ("env file ", "vars ", COMMAND_LINE)
    variables = []
    for name in dict.fromkeys(name for values in scope.tiers for name in values):
        candidates = scope.candidates(name)
        if any(item.origin.startswith(origins) for item in candidates):
            variables.append((name, candidates))
    return variables


def _as_compose(service: dict[str, JSON]) -> None:
    """Fills in what Compose prints of every service, and spells what it spells otherwise."""
    service.setdefault("command", None)
    service.setdefault("entrypoint", None)
    deploy = service.get("deploy")
    if isinstance(deploy, dict):
        if "scale" in service:
            deploy.setdefault("replicas", service["scale"])
        deploy.setdefault("resources", {})
        deploy.setdefault("placement", {})
    develop = service.get("develop")
    watched = develop.get("watch") if isinstance(develop, dict) else None
    for watch in watched if isinstance(watched, list) else ():
        if isinstance(watch, dict):
            watch.setdefault("exec", {"command": None})
    build = service.get("build")
    for limits in (service.get("ulimits"), build.get("ulimits") if isinstance(build, dict) else None):
        for key, limit in limits.items() if isinstance(limits, dict) else ():
            parts = limit if isinstance(limit, dict) else {} if limit == 0 else None
            if parts is not None and isinstance(limits, dict):
                limits[key] = {name: part for name, part in parts.items() if part != 0}
    blkio = service.get("blkio_config")
    for items in blkio.values() if isinstance(blkio, dict) else ():
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                for key in list(item):
                    item[key.capitalize()] = item.pop(key)


def _escaped(value: JSON) -> JSON:
    """Dollars are doubled, so that the result can be read again."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {key.replace("$", "$$"): _escaped(item) for key, item in value.items()}
    return value
