"""A playbook that is a list of plays: which playbooks it imports, and with what. It does not read those playbooks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from provisioner.document.attributes.shapes import local_path
from provisioner.document.files import Files
from provisioner.document.findings import Findings
from provisioner.document.interpolate import Interpolation
from provisioner.document.paths import clean, here, is_file, is_remote, join, parent
from provisioner.document.shape import BOOLEAN, INTEGER, MAPPING, NUMBER, SEQUENCE, STRING, Place, article, kind_of
from provisioner.document.text import LARGEST, STDIN
from provisioner.document.tree import OVERRIDE, RESET
from provisioner.document.variables import COMMAND_LINE, SHELL, Scope, Uses, tier
from provisioner.errors import PlaybookInvalid
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import Node
    from provisioner.model.span import Problem, Span

NAME, IMPORT, VARS, PROFILES, TAGS, HOSTS = "name", "import_playbook", "vars", "profiles", "tags", "hosts"
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class PlayKey:
    """One key of a play: the kinds of YAML values that it takes, what those are for people, and a sentence on it."""

    name: str
    kinds: tuple[str, ...]
    expected: str
    about: str


KEYS = (
    PlayKey(NAME, (STRING,), "text", "What the play is called in plans and by --limit; default: its TARGET."),
    PlayKey(IMPORT, (STRING,), "a path", "The playbook of the environment, or another list, relative to this file."),
    PlayKey(
        VARS,
        (MAPPING,),
        "a mapping of texts and numbers",
        "Variables for ${…}. They win over the playbook's own `vars`; env files, the shell and -e win over them.",
    ),
    PlayKey(PROFILES, (SEQUENCE, STRING), "a list of texts", "Profiles that it starts, beside those of --profile."),
    PlayKey(
        TAGS,
        (SEQUENCE, STRING),
        "a list of texts",
        "Words for --tags and --skip-tags; `always` and `never` have Ansible's meaning.",
    ),
)  # fmt: skip
_BY_NAME = {key.name: key for key in KEYS}
_SCALARS = (STRING, INTEGER, NUMBER, BOOLEAN)


@dataclass(frozen=True, slots=True)
class Play:
    """One environment of a list.

    `file` is the absolute path of its playbook, `shown` how messages name that. `span` is where the play stands.
    `vars` are sections as they are written, that of the outermost list first: it wins. `groups` are the names of the
    plays that import the list in which it stands.
    """

    name: str
    file: str
    shown: str
    span: Span
    vars: tuple[Node, ...] = ()
    profiles: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()


def is_list_of_plays(path: str) -> bool:
    """Whether the file at `path` holds a YAML list. False for one that can not be read: its reader says why."""
    # What is no regular file can be read once only, if at all.
    if path == STDIN or not is_file(path):
        return False
    try:
        with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
            return _holds_list(file.read(LARGEST))
    except (OSError, ValueError):
        return False


def read_plays(path: str, *, environment: Mapping[str, str], overrides: Mapping[str, str]) -> tuple[Play, ...]:
    """The plays of the list at `path` (as the user names it), in order; those of lists that it imports in their place.

    `environment` is the shell's, `overrides` are the command line's variables: paths and names may use them. Raises
    PlaybookInvalid with every problem that was found.
    """
    findings = Findings()
    absolute = join(here(), path)
    files = Files(here(), findings)
    files.name(absolute, path)
    scope = Scope((tier(overrides, COMMAND_LINE), tier(environment, SHELL)))
    unset: dict[Problem, None] = {}
    interpolation = Interpolation(scope, Uses(), findings, unset)
    home = environment.get("HOME", "")
    plays = _Reader(files, findings, interpolation, home).plays(absolute, None, (), _Outer())
    _require_unique_names(plays, findings)
    problems = (*findings.errors, *unset)
    if problems:
        raise PlaybookInvalid(problems)
    return tuple(plays)


def _holds_list(text: str) -> bool:
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent, yaml.ScalarEvent)):
                return isinstance(event, yaml.SequenceStartEvent)
    except yaml.YAMLError:
        return False
    return False


@dataclass(frozen=True, slots=True)
class _Outer:
    """What the plays of a list get from the play that imports it."""

    vars: tuple[Node, ...] = ()
    profiles: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reader:
    files: Files
    findings: Findings
    interpolation: Interpolation
    home: str

    def plays(self, path: str, asked: Span | None, chain: tuple[str, ...], outer: _Outer) -> list[Play]:
        """The plays of the list at `path`, which `asked` names; `chain` are the lists that lead here."""
        root = self.files.tree(path, asked)
        if root is None:
            return []
        if not root.is_sequence:
            self.findings.error(f"expected a list of plays, found {article(kind_of(root))}", root.span)
            return []
        if not root.items:
            self.findings.error("the list has no plays", root.span, (), "add one: - import_playbook: system/prod.yml")
        plays: list[Play] = []
        for index, entry in enumerate(root.items):
            plays += self._play(entry, (str(index),), path, (*chain, path), outer)
        return plays

    def _play(self, entry: Node, at: tuple[str, ...], path: str, chain: tuple[str, ...], outer: _Outer) -> list[Play]:
        if not entry.is_mapping:
            self.findings.error(
                f"expected a play, found {article(kind_of(entry))}", entry.span, at, "write - import_playbook: FILE"
            )
            return []
        self._check_keys(entry, at)
        values = {
            name: self.interpolation.apply(entry.mapping[name], (*at, name)) if name != VARS else entry.mapping[name]
            for name in _BY_NAME
            if name in entry.mapping and self._is_right(entry.mapping[name], _BY_NAME[name], at)
        }
        inner = _Outer(
            (*outer.vars, values[VARS]) if VARS in values else outer.vars,
            tuple(dict.fromkeys((*outer.profiles, *_words(values.get(PROFILES))))),
            outer.tags | frozenset(_words(values.get(TAGS))),
            outer.groups,
        )
        imported = values.get(IMPORT)
        if imported is None:
            if IMPORT not in entry.mapping:
                self.findings.error(
                    "`import_playbook` is missing", entry.span, at, "a play says which playbook it brings up"
                )
            return []
        return self._imported(imported, values.get(NAME), entry.span, path, chain, inner, at)

    def _imported(
        self,
        imported: Node,
        name: Node | None,
        span: Span,
        path: str,
        chain: tuple[str, ...],
        inner: _Outer,
        at: tuple[str, ...],
    ) -> list[Play]:
        text = str(imported.value)
        if not text or is_remote(text):
            what = f"'{text}' is elsewhere" if text else "it is empty"
            self.findings.error(f"expected a path to a file, but {what}", imported.span, (*at, IMPORT))
            return []
        file = clean(local_path(text, Place((*at, IMPORT), parent(path), self.home, self.findings)))
        if file in chain:
            steps = [self.files.shown(step) for step in (*chain[chain.index(file) :], file)]
            self.findings.error(f"the lists import each other: {' → '.join(steps)}", imported.span, (*at, IMPORT))
            return []
        if len(chain) >= _DEEPEST:
            self.findings.error(f"a chain of more than {_DEEPEST} lists", imported.span, (*at, IMPORT))
            return []
        content = self.files.text(file, imported.span)
        if content is None:
            return []
        shown = self.files.shown(file)
        called = (str(name.value).strip() if name is not None else "") or target_of(shown)
        if _holds_list(content):
            return self.plays(file, imported.span, chain, replace(inner, groups=(*inner.groups, called)))
        return [Play(called, file, shown, span, inner.vars, inner.profiles, inner.tags, inner.groups)]

    def _check_keys(self, entry: Node, at: tuple[str, ...]) -> None:
        for key in entry.mapping:
            span = entry.key_spans.get(key, entry.span)
            if key == HOSTS:
                self.findings.error(
                    "`hosts` is reserved for plays on several engines, which do not exist yet", span, (*at, HOSTS),
                    "remove it; `engine: {context: …}` in the playbook, or --context, says which engine it is for",
                )  # fmt: skip
            elif key not in _BY_NAME and not key.startswith("x-"):
                hint = self.findings.nearest(key, _BY_NAME) or f"a play has {', '.join(_BY_NAME)}"
                self.findings.error(f"unknown key '{key}' in a play", span, at, hint)

    def _is_right(self, value: Node, key: PlayKey, at: tuple[str, ...]) -> bool:
        """Whether the value has the right form; tells what is wrong."""
        path = (*at, key.name)
        before = len(self.findings.errors)
        if value.tag in (RESET, OVERRIDE):
            self.findings.error(f"the tag {value.tag} means nothing in a play", value.span, path, "remove it")
        elif kind_of(value) not in key.kinds:
            self.findings.error(f"expected {key.expected}, found {article(kind_of(value))}", value.span, path)
        elif key.name == VARS:
            for name, item in value.mapping.items():
                if kind_of(item) not in _SCALARS or item.tag in (RESET, OVERRIDE):
                    self.findings.error(
                        f"expected text or a number, found {article(kind_of(item))}", item.span, (*path, name)
                    )
        elif value.is_sequence:
            for item in value.items:
                if not isinstance(item.value, str) or item.tag in (RESET, OVERRIDE):
                    self.findings.error(f"expected text, found {article(kind_of(item))}", item.span, path)
        return len(self.findings.errors) == before


def target_of(shown: str) -> str:
    """The TARGET that a playbook's path is called by: `telecom/prod` for playbooks/telecom/prod.yml."""
    stem = shown.removesuffix(".yml").removesuffix(".yaml")
    _, folder, below = f"/{stem}".rpartition("/playbooks/")
    return below if folder else stem


def _words(value: Node | None) -> list[str]:
    """The words of a list, or of one text with commas between them."""
    if value is None:
        return []
    texts = [str(item.value) for item in value.items] if value.is_sequence else str(value.value).split(",")
    return [text.strip() for text in texts if text.strip()]


def _require_unique_names(plays: list[Play], findings: Findings) -> None:
    first: dict[str, Play] = {}
    for play in plays:
        known = first.setdefault(play.name.casefold(), play)
        if known is not play:
            findings.error(
                f"a play is called '{known.name}' already, at {known.span}", play.span, (), "give each its own `name:`"
            )
