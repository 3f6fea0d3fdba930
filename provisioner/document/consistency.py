"""What refers to what, over the whole tree: undefined names, cycles, contradictions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.document.shape import mapping
from provisioner.model.node import items_of, mapping_of
from provisioner.model.secret import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.document.findings import Findings, Path
    from provisioner.model.node import Node
    from provisioner.model.span import Span

# The keys of a check that hold a regular expression.
_PATTERNS = (("http", "matches"), ("exec", "stdout_matches"), ("exec", "stderr_matches"))
_BESIDE_EXTERNAL = frozenset(("external", "name", "protect"))
# Keys of a service and the same thing under deploy.
_TWICE = (
    (("scale",), ("deploy", "replicas")),
    (("cpus",), ("deploy", "resources", "limits", "cpus")),
    (("mem_limit",), ("deploy", "resources", "limits", "memory")),
    (("pids_limit",), ("deploy", "resources", "limits", "pids")),
    (("mem_reservation",), ("deploy", "resources", "reservations", "memory")),
)


def active(root: Node, profiles: frozenset[str]) -> tuple[Node, Mapping[str, Node]]:
    """The tree with the services that run under `profiles`, and the ones that do not."""
    services = root.get("services")
    if services is None or "*" in profiles:
        return root, {}
    inactive = {
        name: item
        for name, item in services.mapping.items()
        if (wanted := {text.value for text in items_of(item.get("profiles"))}) and not wanted & profiles
    }
    if not inactive:
        return root, {}
    kept = mapping({name: item for name, item in services.mapping.items() if name not in inactive}, services)
    return mapping({**root.mapping, "services": kept}, root), inactive


class Consistency:
    """The checks over one tree; `inactive` are the services that no active profile starts."""

    def __init__(self, root: Node, inactive: Mapping[str, Node], findings: Findings) -> None:
        self.root = root
        self.inactive = inactive
        self.findings = findings
        self.services = mapping_of(root.get("services"))

    def check(self) -> None:
        for name, service in self.services.items():
            self._service(name, service)
        self._container_names()
        self._external()
        self._configs()
        self._secrets()
        self._verify()
        self._waivers()
        self._engine()
        self._backups()
        self._cycles()

    def _wrong(self, message: str, span: Span, path: Path, hint: str | None = None) -> None:
        if not self.findings.broken(path):
            self.findings.error(message, span, path, hint)

    def _service(self, name: str, node: Node) -> None:
        path: Path = ("services", name)
        if not any(_given(node, key) for key in ("image", "build", "provider")):
            self._wrong("neither an image nor a build", node.span, path, "give it `image:` or `build:`")
        self._platform(node, path)
        self._contexts(name, node, path)
        if node.get("network_mode") is not None and mapping_of(node.get("networks")):
            self._wrong(
                "'network_mode' and 'networks' exclude each other", node.key_spans["networks"], (*path, "networks")
            )
        for network, item in mapping_of(node.get("networks")).items():
            self._refers("networks", network, item.span, (*path, "networks", network))
        for index, mount in enumerate(items_of(node.get("volumes"))):
            source, kind = mount.get("source"), mount.get("type")
            if kind is not None and kind.value == "volume" and source is not None and source.value:
                self._refers("volumes", str(source.value), source.span, (*path, "volumes", str(index)))
        for section, use in (
            ("secrets", node.get("secrets")),
            ("configs", node.get("configs")),
            ("secrets", node.get("build", "secrets")),
        ):
            for index, item in enumerate(items_of(use)):
                source = item.get("source")
                if source is not None:
                    self._refers(section, str(source.value), source.span, (*path, section, str(index)))
        for variable, item in mapping_of(node.get("environment")).items():
            secret = item.get("secret")
            if secret is not None:
                self._refers("secrets", str(secret.value), secret.span, (*path, "environment", variable))
        for model, item in mapping_of(node.get("models")).items():
            self._refers("models", model, item.span, (*path, "models", model))
        for dependency, item in mapping_of(node.get("depends_on")).items():
            span = _mapping_span(node.get("depends_on"), dependency, item.span)
            self._depends(name, dependency, item, span)
        for first, second in _TWICE:
            self._agree(node, first, second, path)

    def _platform(self, node: Node, path: Path) -> None:
        platform, platforms = node.get("platform"), items_of(node.get("build", "platforms"))
        if platform is None or not platform.value or not platforms:
            return
        if platform.value not in {item.value for item in platforms}:
            message = f"'{platform.value}' is not among 'build.platforms'"
            self._wrong(message, platform.span, (*path, "platform"), "add it there, or run another")

    def _contexts(self, name: str, node: Node, path: Path) -> None:
        """Builds upon images of other services: those have to be there, and not be built upon this one's."""
        for key, item in mapping_of(node.get("build", "additional_contexts")).items():
            other = str(item.value).removeprefix("service:")
            where = (*path, "build", "additional_contexts", key)
            if other == str(item.value):
                continue
            if other in self.services:
                if not _given(self.services[other], "build"):
                    hint = "give it `build:`, or name its image as docker-image://…"
                    self._wrong(f"the service '{other}' builds nothing", item.span, where, hint)
                continue
            if other in self.inactive:
                profiles = " or ".join(str(text.value) for text in items_of(self.inactive[other].get("profiles")))
                hint = f"activate the profile {profiles}; a service of which only the image is wanted has `scale: 0`"
                self._wrong(f"the service '{other}' is not active", item.span, where, hint)
                continue
            known = [service for service in (*self.services, *self.inactive) if service != name]
            hint = self.findings.nearest(other, known) or "name a service of this playbook"
            self._wrong(f"no service '{other}' is declared", item.span, where, hint)

    def _refers(self, section: str, name: str, span: Span, path: Path) -> None:
        known = mapping_of(self.root.get(section))
        if name in known or (section == "networks" and name == "default"):
            return
        kind = section.removesuffix("s")
        self._wrong(
            f"no {kind} '{name}' is declared",
            span,
            path,
            self.findings.nearest(name, known) or f"declare it under `{section}:`",
        )

    def _depends(self, name: str, dependency: str, item: Node, span: Span) -> None:
        path = ("services", name, "depends_on", dependency)
        if dependency in self.services:
            return
        if dependency in self.inactive:
            required = item.get("required")
            if required is None or required.value is not False:
                profiles = " or ".join(str(text.value) for text in items_of(self.inactive[dependency].get("profiles")))
                hint = f"activate the profile {profiles}, or write `required: false`"
                self._wrong(f"the service '{dependency}' is not active", span, path, hint)
            return
        required = item.get("required")
        if required is not None and required.value is False:
            self.findings.warn(f"no service '{dependency}' is declared, and it is not required", span, path)
            return
        known = [other for other in (*self.services, *self.inactive) if other != name]
        self._wrong(f"no service '{dependency}' is declared", span, path, self.findings.nearest(dependency, known))

    def _agree(self, node: Node, first: tuple[str, ...], second: tuple[str, ...], path: Path) -> None:
        item, other = node.get(*first), node.get(*second)
        if item is not None and other is not None and item.value != other.value:
            message = f"'{'.'.join(first)}' and '{'.'.join(second)}' say different things"
            self._wrong(message, item.span, (*path, *first), "keep one of them")

    def _container_names(self) -> None:
        first: dict[str, str] = {}
        for name, service in self.services.items():
            given = service.get("container_name")
            if given is None or not given.value:
                continue
            other = first.setdefault(str(given.value), name)
            if other != name:
                message = f"'{given.value}' is the container of '{other}' already"
                path = ("services", name, "container_name")
                self._wrong(message, given.span, path, "give it another name, or none")
            for keys in (("scale",), ("deploy", "replicas")):
                number = service.get(*keys)
                if number is not None and isinstance(number.value, int) and number.value > 1:
                    message = f"{number.value} containers can not all have the name '{given.value}'"
                    path = ("services", name, "container_name")
                    self._wrong(message, given.span, path, "leave container_name out")

    def _external(self) -> None:
        """What stands beside `external`. As in Compose, that is wrong for a volume and means nothing for the others."""
        for section in ("networks", "volumes", "configs", "secrets"):
            for name, item in mapping_of(self.root.get(section)).items():
                external = item.get("external")
                if external is None or external.value is not True:
                    continue
                for key in sorted(item.mapping.keys() - _BESIDE_EXTERNAL):
                    if key.startswith("x-") or not item.mapping[key].value:
                        continue
                    message = f"'{key}' beside 'external': what is external is not made here"
                    tell = self._wrong if section == "volumes" else self.findings.warn
                    tell(message, item.key_spans.get(key, item.span), (section, name), "remove one of them")

    def _configs(self) -> None:
        for name, item in mapping_of(self.root.get("configs")).items():
            if not any(_stated(item, key) for key in ("external", "file", "environment", "content", "driver")):
                hint = "give it file, environment or content; or say external: true"
                self._wrong("nothing says what is in it", item.span, ("configs", name), hint)

    def _secrets(self) -> None:
        for name, item in mapping_of(self.root.get("secrets")).items():
            template = item.get("template")
            for other in REFERENCE.findall(str(template.value)) if template is not None else ():
                if template is not None:
                    self._refers("secrets", other, template.span, ("secrets", name, "template"))
            for index, reader in enumerate(items_of(item.get("readers"))):
                if reader.value not in self.services and reader.value not in self.inactive:
                    hint = self.findings.nearest(str(reader.value), (*self.services, *self.inactive))
                    path = ("secrets", name, "readers", str(index))
                    self._wrong(f"no service '{reader.value}' is declared", reader.span, path, hint)

    def _engine(self) -> None:
        engine = self.root.get("engine")
        if engine is not None and _given(engine, "context") and _given(engine, "host"):
            self._wrong("names a context and a host", engine.span, ("engine",), "keep one of them")

    def _backups(self) -> None:
        known = mapping_of(self.root.get("volumes"))
        for name, service in self.services.items():
            backup = service.get("backup")
            dumped = backup is None or backup.get("command") is not None
            if backup is not None and not dumped and backup.get("mask") is None:
                hint = (
                    "say what writes the data: command: [pg_dump, …], or what makes a clone harmless: mask: [psql, …]"
                )
                self._wrong("neither a command nor a mask", backup.span, ("services", name, "backup"), hint)
            for key in ("restore", "replaces"):
                if backup is not None and not dumped and (said := backup.get(key)) is not None:
                    hint = "say what writes the dump: command: [pg_dump, …]"
                    self._wrong(f"'{key}' without a command", said.span, ("services", name, "backup", key), hint)
            for index, item in enumerate(items_of(service.get("backup", "replaces"))):
                if item.value not in known:
                    path = ("services", name, "backup", "replaces", str(index))
                    near = self.findings.nearest(str(item.value), known)
                    self._wrong(f"no volume is declared as '{item.value}'", item.span, path, near)

    def _waivers(self) -> None:
        known = (*self.services, *self.inactive)
        for index, item in enumerate(items_of(self.root.get("lint", "ignore"))):
            service = item.get("service")
            if service is not None and service.value is not None and service.value not in known:
                path = ("lint", "ignore", str(index), "service")
                hint = self.findings.nearest(str(service.value), known)
                self._wrong(f"no service is named '{service.value}'", service.span, path, hint)

    def _verify(self) -> None:
        names: set[object] = set()
        for index, item in enumerate(items_of(self.root.get("verify"))):
            name = item.get("name")
            if name is not None and name.value in names:
                message = f"a second check named '{name.value}'"
                self._wrong(message, item.span, ("verify", str(index)), "give each check its own name")
            names.add(name.value if name is not None else None)
            self._patterns(item, ("verify", str(index)))
            for key, others in ((("exec", "service"), ()), (("tcp", "from"), ("host",))):
                service = item.get(*key)
                known = (*self.services, *self.inactive, *others)
                if service is None or service.value in known:
                    continue
                hint = self.findings.nearest(str(service.value), known)
                self._wrong(
                    f"no service '{service.value}' is declared", service.span, ("verify", str(index), *key), hint
                )

    def _patterns(self, check: Node, path: Path) -> None:
        for key in _PATTERNS:
            pattern = check.get(*key)
            if pattern is None or not isinstance(pattern.value, str):
                continue
            try:
                re.compile(pattern.value)
            except re.error as error:
                message, hint = f"expected a regular expression, found '{pattern.value}'", f"Python's re says: {error}"
                self._wrong(message, pattern.span, (*path, *key), hint)

    def _cycles(self) -> None:
        """Every cycle once, by its whole path: of depends_on, and of builds upon images of services."""
        for key, message, needs in (
            (("depends_on",), "the services wait for each other", self._needs),
            (("build", "additional_contexts"), "the images are built upon each other", self._built_upon),
        ):
            finished: set[str] = set()
            for start in self.services:
                if start not in finished:
                    self._walk(start, finished, key, message, needs)

    def _walk(
        self,
        start: str,
        finished: set[str],
        key: tuple[str, ...],
        message: str,
        needs: Callable[[str], tuple[str, ...]],
    ) -> None:
        path: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(needs(start)))]
        path.append(start)
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                path.pop()
                finished.add(name)
            elif following in path:
                cycle = [*path[path.index(following) :], following]
                node = self.services[name].get(*key)
                span = _mapping_span(node, following, node.span if node is not None else self.services[name].span)
                self.findings.error(f"{message}: {' → '.join(cycle)}", span, ("services", name, *key))
            elif following in self.services and following not in finished:
                stack.append((following, iter(needs(following))))
                path.append(following)

    def _needs(self, name: str) -> tuple[str, ...]:
        return tuple(mapping_of(self.services[name].get("depends_on")))

    def _built_upon(self, name: str) -> tuple[str, ...]:
        contexts = mapping_of(self.services[name].get("build", "additional_contexts")).values()
        values = [str(item.value) for item in contexts]
        return tuple(value.removeprefix("service:") for value in values if value.startswith("service:"))


def _given(node: Node, key: str) -> bool:
    item = node.get(key)
    return item is not None and item.value not in (None, "")


def _stated(node: Node, key: str) -> bool:
    item = node.get(key)
    return item is not None and item.value is not None and item.value is not False


def _mapping_span(node: Node | None, key: str, otherwise: Span) -> Span:
    return node.key_spans.get(key, otherwise) if node is not None else otherwise
