"""From file names to one merged tree: playbooks and what they extend and include, each read in its own folder."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.document.attributes import rules
from provisioner.document.attributes.shapes import as_text, local_path
from provisioner.document.canonicalise import Canonicaliser, without_nothing
from provisioner.document.environment import inherit
from provisioner.document.interpolate import Interpolation
from provisioner.document.merge import drop_merge_tags, merge
from provisioner.document.paths import clean, is_file, is_remote, join, parent
from provisioner.document.shape import Place, mapping
from provisioner.document.variables import Variable
from provisioner.model.dataclass import dataclass
from provisioner.model.node import Node

if TYPE_CHECKING:
    from provisioner.document.files import Files
    from provisioner.document.findings import Findings
    from provisioner.document.masks import Masks
    from provisioner.document.variables import Scope, Tier, Uses
    from provisioner.model.span import Problem, Span

DEEPEST = 64
# What an included file contributes; the rest of it is its own business.
_SECTIONS = ("services", "networks", "volumes", "secrets", "configs", "models")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read, not yet interpolated. Its relative paths start in `directory`."""

    path: str
    directory: str
    root: Node


@dataclass(frozen=True, slots=True)
class Layers:
    """What turning sources into one tree needs; `home` is what '~' stands for. With `masks` variables stay."""

    files: Files
    uses: Uses
    unset: dict[Problem, None]
    home: str
    findings: Findings
    masks: Masks | None = None
    _done: dict[tuple[str, str, int], tuple[Node, Scope]] = field(default_factory=dict)

    def sources(self, path: str, directory: str, scope: Scope, chain: tuple[str, ...] = ()) -> list[Source]:
        """The file at `path` after everything it extends, in the order in which they are merged."""
        root = self.files.tree(path)
        if root is None:
            return []
        return [*self.bases(root, path, scope, chain), Source(path, directory, root)]

    def bases(self, root: Node, path: str, scope: Scope, chain: tuple[str, ...] = ()) -> list[Source]:
        """The sources of what the playbook `root` names under `extends`."""
        sources: list[Source] = []
        chain = (*chain, path)
        for name, span in self.named(root, "extends", parent(path), scope):
            if name in chain:
                self._cycle("extend", chain, name, span)
                continue
            if self._too_deep(chain, span):
                continue
            base = self.files.tree(name, span)
            if base is not None:
                sources.extend(self.bases(base, name, scope, chain))
                sources.append(Source(name, parent(name), base))
        return sources

    def named(self, root: Node, key: str, directory: str, scope: Scope) -> list[tuple[str, Span]]:
        """The absolute paths under a top-level key, one or a list, before the file is interpolated whole."""
        section = root.get(key)
        if section is None:
            return []
        section = Interpolation(scope, self.uses, self.findings, self.unset).apply(section, (key,))
        place = Place((key,), directory, self.home, self.findings)
        return [
            (clean(local_path(item.value, place)), item.span)
            for item in (section.items if section.is_sequence else (section,))
            if isinstance(item.value, str) and item.value and not is_remote(item.value)
        ]

    def merged(
        self, sources: list[Source], scope: Scope, chain: tuple[str, ...] = (), base: Node | None = None
    ) -> Node:
        """All sources over `base` and each other, canonical, with their includes; tags of the last word are gone."""
        layers = [self._layer(source, scope, chain) for source in sources]
        result = layers.pop(0) if base is None else base
        for layer in layers:
            result = merge(result, layer, rules())
        if self.files.tagged:
            result = drop_merge_tags(result)
        return without_nothing(result, rules(), self.findings) if self.findings.nothing else result

    def canonical(self, source: Source, scope: Scope) -> Node:
        """One file, interpolated and canonical, by itself."""
        key = (source.path, source.directory, id(scope))
        if key not in self._done:
            # The scope is kept as well, so that its id stays its own.
            self._done[key] = (self._canonical(source, scope), scope)
        return self._done[key][0]

    def _canonical(self, source: Source, scope: Scope) -> Node:
        values = self.masks or Interpolation(scope, self.uses, self.findings, self.unset)
        root = values.apply(source.root)
        canonical = Canonicaliser(source.directory, self.home, self.findings).apply(root, rules())
        return canonical if canonical is not None else Node({}, source.root.span)

    def _layer(self, source: Source, scope: Scope, chain: tuple[str, ...]) -> Node:
        layer = self._extended(self.canonical(source, scope), source, scope)
        include = layer.get("include")
        if include is None:
            return layer
        entries = {key: item for key, item in layer.mapping.items() if key != "include"}
        layer = Node(entries, layer.span, None, layer.key_spans, layer.tag)
        for entry in include.items:
            included = self._included(entry, source, scope, (*chain, source.path))
            if included is not None:
                layer = self._import(layer, included)
        return layer

    # include

    def _included(self, entry: Node, source: Source, scope: Scope, chain: tuple[str, ...]) -> Node | None:
        place = Place(("include",), source.directory, self.home, self.findings)
        paths = _texts(entry.get("path"))
        if not paths:
            return None
        first = clean(local_path(paths[0][0], place))
        given = entry.get("project_directory")
        directory = local_path(str(given.value), place) if given is not None else parent(first)
        env_files = [(local_path(text, place), span) for text, span in _texts(entry.get("env_file"))]
        if not env_files and is_file(join(directory, ".env")):
            env_files = [(join(directory, ".env"), entry.span)]
        inner = scope.below(*self.files.tiers(env_files, scope.value))
        sources: list[Source] = []
        for text, span in paths:
            path = clean(local_path(text, place))
            if path in chain:
                self._cycle("include", chain, path, span)
                return None
            if self._too_deep(chain, span):
                return None
            root = self.files.tree(path, span)
            if root is not None:
                sources.extend([*self.bases(root, path, inner), Source(path, directory, root)])
        if not sources:
            return None
        sources = distinct(sources)
        inner = inner.below(*self.declared(sources, inner))
        return _built_there(inherit(self.merged(sources, inner, chain), inner.value), directory)

    def declared(self, sources: list[Source], scope: Scope) -> list[Tier]:
        """The `vars` of the sources as tiers, the last source's first; they may use the variables of `scope`."""
        sections = [section for source in sources if (section := source.root.get("vars")) is not None]
        return [self.variables(section, scope) for section in reversed(sections) if section.is_mapping]

    def variables(self, section: Node, scope: Scope) -> Tier:
        """A section `vars` as a tier; it may use the variables of `scope`."""
        section = Interpolation(scope, self.uses, self.findings, self.unset).apply(section, ("vars",))
        return {
            name: Variable(as_text(item), f"vars {item.span.file}:{item.span.line}")
            for name, item in section.mapping.items()
            if isinstance(item.value, (str, int, float))
        }

    def _import(self, layer: Node, included: Node) -> Node:
        entries = dict(layer.mapping)
        spans = dict(layer.key_spans)
        for section in _SECTIONS:
            theirs = included.get(section)
            if theirs is None:
                continue
            ours = entries.get(section) or Node({}, theirs.span)
            names = dict(ours.mapping)
            for name, item in theirs.mapping.items():
                if name in names and names[name].plain() != item.plain():
                    where = names[name].span
                    self.findings.error(
                        f"'{name}' is declared here and, differently, in what is included at {item.span}",
                        where,
                        (section, name),
                        "rename one of them, or override it in a file that is merged",
                    )
                names.setdefault(name, item)
            entries[section] = Node(names, ours.span, None, {**theirs.key_spans, **ours.key_spans})
            spans.setdefault(section, theirs.span)
        return Node(entries, layer.span, None, spans, layer.tag)

    # extends of services

    def _extended(self, layer: Node, source: Source, scope: Scope) -> Node:
        services = layer.get("services")
        if services is None or not any(item.get("extends") for item in services.mapping.values()):
            return layer
        done: dict[str, Node] = {}
        entries = {
            name: self._service(name, services, source, scope, done, ((source.path, name),))
            for name in services.mapping
        }
        whole = Node(entries, services.span, None, services.key_spans, services.tag)
        return Node({**layer.mapping, "services": whole}, layer.span, None, layer.key_spans, layer.tag)

    def _service(
        self,
        name: str,
        services: Node,
        source: Source,
        scope: Scope,
        done: dict[str, Node],
        chain: tuple[tuple[str, str], ...],
    ) -> Node:
        """The service with what it extends below it."""
        if name in done:
            return done[name]
        service = services.mapping[name]
        extends = service.get("extends")
        if extends is None or not extends.is_mapping:
            done[name] = service
            return service
        entries = {key: item for key, item in service.mapping.items() if key != "extends"}
        service = Node(entries, service.span, None, service.key_spans, service.tag)
        base = self._base(name, extends, services, source, scope, done, chain)
        if base is None or self.findings.broken(("services", str((extends.get("service") or extends).value))):
            self.findings.suspect(("services", name))
        if base is not None:
            service = merge(drop_merge_tags(base), service, rules().children["services"].any, keep_tags=True)
        done[name] = service
        return service

    def _base(
        self,
        name: str,
        extends: Node,
        services: Node,
        source: Source,
        scope: Scope,
        done: dict[str, Node],
        chain: tuple[tuple[str, str], ...],
    ) -> Node | None:
        path = ("services", name, "extends")
        target, file = extends.get("service"), extends.get("file")
        if target is None:
            self.findings.error("'service' is missing", extends.span, path)
            return None
        if file is not None:
            place = Place(path, source.directory, self.home, self.findings)
            other = clean(local_path(str(file.value), place))
            root = self.files.tree(other, file.span)
            if root is None:
                return None
            source = Source(other, parent(other), root)
            services = self.canonical(source, scope).get("services") or Node({}, root.span)
            done = {}
        wanted = str(target.value)
        if wanted not in services.mapping:
            self.findings.error(
                f"no service '{wanted}' in {self.files.shown(source.path)}",
                target.span,
                path,
                self.findings.nearest(wanted, services.mapping),
            )
            return None
        link = (source.path, wanted)
        if link in chain:
            steps = [
                f"{service} in {self.files.shown(where)}" for where, service in (*chain[chain.index(link) :], link)
            ]
            self.findings.error(f"the services extend each other: {' → '.join(steps)}", target.span, path)
            return None
        if self._too_deep(chain, target.span):
            return None
        return self._service(wanted, services, source, scope, done, (*chain, link))

    def _too_deep(self, chain: tuple[object, ...], span: Span) -> bool:
        if len(chain) < DEEPEST:
            return False
        self.findings.error(f"a chain of more than {DEEPEST} files or services", span)
        return True

    def _cycle(self, what: str, chain: tuple[str, ...], path: str, span: Span) -> None:
        steps = [self.files.shown(step) for step in (*chain[chain.index(path) :], path)]
        self.findings.error(f"the files {what} each other: {' → '.join(steps)}", span)


def _built_there(root: Node, directory: str) -> Node:
    """`root` with the folder of what is included as the context of builds that name none."""
    services = root.get("services")
    if services is None:
        return root
    entries = {}
    for name, service in services.mapping.items():
        build = service.get("build")
        if build is not None and build.is_mapping and build.get("context") is None:
            build = mapping({**build.mapping, "context": Node(directory, build.span)}, build)
            service = mapping({**service.mapping, "build": build}, service)
        entries[name] = service
    return mapping({**root.mapping, "services": mapping(entries, services)}, root)


def distinct(sources: list[Source]) -> list[Source]:
    """Each file once, where it comes first: what two playbooks start from is laid down before both, and not again."""
    by_path: dict[str, Source] = {}
    for source in sources:
        by_path.setdefault(source.path, source)
    return list(by_path.values())


def _texts(node: Node | None) -> list[tuple[str, Span]]:
    if node is None:
        return []
    return [(item.value, item.span) for item in node.items if isinstance(item.value, str)]
