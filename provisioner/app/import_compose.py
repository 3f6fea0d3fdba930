"""`import`: Compose files become playbooks in another folder that mean the same, with their comments and order."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from provisioner.app.load import load_playbook
from provisioner.app.written_files import write_together
from provisioner.document import Document, Sources, canonical, read
from provisioner.document.findings import Findings
from provisioner.document.names import normalised
from provisioner.document.relocation import builds_without_context, relocations
from provisioner.document.template import BadTemplate, RequiredVariable, substitute
from provisioner.document.text import STDIN, load
from provisioner.document.tree import parse
from provisioner.document.writing import CanNotEdit, Draft, Edit, apply
from provisioner.errors import PlaybookInvalid, ProvisionError, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioner.app.request import Request
    from provisioner.model.finding import Finding
    from provisioner.model.node import Node

_OTHERWISE = "name another with -o, or give --force to replace it"
_PLAYBOOKS, _ENVIRONMENT = "playbooks", "local"


@dataclass(frozen=True, slots=True)
class Imported:
    """`files` are the playbooks that were written, the one to apply last; `target` is its TARGET.

    `changes` say, file by file, what is different from the Compose files; `findings` are lint's.
    """

    files: tuple[str, ...]
    target: str
    changes: tuple[str, ...]
    findings: tuple[Finding, ...]


def import_compose(
    request: Request, *, output: str | None, name: str | None, force: bool, otherwise: str = _OTHERWISE
) -> Imported:
    """Write playbooks that mean what the Compose files of `request` mean, apart from the project's name.

    One file becomes one playbook; of several, the first is `base.yml` and each of the others extends the ones before.
    They are read back and compared; when the comparison fails nothing is left behind. PlaybookInvalid for files that
    Compose would not take either, UsageError where a playbook is there already and `force` is not given; `otherwise`
    says what to do then.
    """
    if STDIN in request.files:
        raise UsageError("import reads files, not standard input", hint="name the Compose file")
    whole, original = _read(request)
    system = name or original.name
    if name is not None and normalised(name) != name:
        raise UsageError(f"'{name}' is no name for a playbook", hint=f"for example {normalised(name) or 'shop'}")
    target = output or f"{_PLAYBOOKS}/{system}/{_ENVIRONMENT}.yml"
    paths = _names(target, request.files)
    for path in paths:
        if Path(request.directory, path).exists() and not force:
            raise UsageError(f"{path} is there already", hint=otherwise)
    start = posixpath.dirname(posixpath.join(request.directory, request.files[0]))
    if request.project_directory is not None:
        start = posixpath.normpath(posixpath.join(request.directory, request.project_directory))
    drafts = [_draft(posixpath.join(request.directory, file), file) for file in request.files]
    notes: list[str] = []
    move = _Move(request, original, start, system)
    try:
        texts = {path: _text(index, drafts, paths, move, notes) for index, path in enumerate(paths)}
    except CanNotEdit as error:
        raise ProvisionError(
            f"the text of {' and '.join(request.files)} can not be edited in place: {error}",
            hint="write the playbook by hand, with `extends:` naming the Compose file",
        ) from error
    written = write_together(request.directory, texts)
    try:
        imported = replace(
            request, files=(target,), target=target, in_playbooks=_in_playbooks(target), env_files=(),
            project_name=None, project_directory=None, ambient_env_file=None,
        )  # fmt: skip
        _compare(whole, original, imported, request)
        findings = _lint(imported)
    except BaseException:
        written.take_back()
        raise
    return Imported(tuple(paths), _target(target), tuple(notes), findings)


@dataclass(frozen=True, slots=True)
class _Move:
    """What is common to all files of one import; relative paths start in `start`, an absolute folder."""

    request: Request
    document: Document
    start: str
    system: str

    def expand(self, text: str) -> str:
        values = {use.name: use.value for use in self.document.variables}
        try:
            return substitute(text, lambda name, _: values.get(name))
        except (BadTemplate, RequiredVariable):
            return ""


def _read(request: Request) -> tuple[tuple[str, ...], Document]:
    """The document with the services of all profiles, or else of the asked ones; and with which profiles."""
    try:
        return ("*",), _document(request, profiles=("*",))
    except PlaybookInvalid:
        # Profiles may exclude each other.
        return request.profiles, _document(request, profiles=request.profiles)


def _document(request: Request, *, profiles: tuple[str, ...], project: str | None = None) -> Document:
    return read(
        Sources(
            files=request.files,
            environment=request.shell,
            overrides=request.overrides,
            env_files=request.env_files,
            profiles=profiles,
            project_name=project or request.project_name,
            directory=request.project_directory,
            ambient_env_file=request.ambient_env_file,
            in_playbooks=request.in_playbooks,
        )
    )


def _names(target: str, files: Sequence[str]) -> list[str]:
    """The playbooks of several files lie side by side: base.yml, one for each file between, and the target."""
    folder = posixpath.dirname(target)
    names = [target]
    for file in reversed(files[:-1]):
        stem = "base" if file == files[0] else _layer(file)
        path = posixpath.join(folder, f"{stem}.yml")
        while path in names:
            path = f"{path[:-4]}-1.yml"
        names.insert(0, path)
    return names


def _layer(file: str) -> str:
    stem = re.sub(r"^(?:docker-)?compose[.-]", "", posixpath.basename(file).rsplit(".", 1)[0])
    return f"base-{normalised(stem) or 'layer'}"


def _draft(path: str, shown: str) -> tuple[Draft, Node]:
    findings = Findings()
    text = load(path, shown, findings)
    root = None if text is None else parse(text, shown, findings)
    if text is None or root is None:
        raise PlaybookInvalid(findings.errors)
    try:
        return Draft(text), root
    except yaml.YAMLError as error:  # what the reader takes, but two YAML readers see differently
        raise ProvisionError(f"{shown} can not be edited: {error}") from error


def _text(index: int, drafts: list[tuple[Draft, Node]], paths: list[str], move: _Move, notes: list[str]) -> str:
    """The text of one playbook; what is different from the Compose file is added to `notes`."""
    draft, root = drafts[index]
    shown, path = move.request.files[index], paths[index]
    folder = posixpath.dirname(posixpath.normpath(posixpath.join(move.request.directory, path)))
    edits = _moved(draft, root, folder, move, shown, notes)
    edits += _contexts(index, drafts, folder, move, shown, notes)
    head, first, last = [], index == 0, index == len(drafts) - 1
    name = root.get("name")
    if name is not None and name.value != move.system:
        edits.append(draft.replace(draft.find(("name",)), move.system))
        notes.append(f"{shown}: the name is {move.system}")
    elif name is None and first:
        head.append(f"name: {move.system}")
        notes.append(f"{shown}: the name is {move.system}, which Compose takes from elsewhere")
    if index > 0:
        # Each playbook starts from the one before, which has all that came before it.
        head.append(f"extends: {posixpath.basename(paths[index - 1])}")
    env_files = _env_files(move)
    if last and env_files:
        named = [posixpath.relpath(file, folder) for file in env_files]
        head.append(f"env_files: [{', '.join(_quoted(file) for file in named)}]")
        notes.append(f"{shown}: variables come from {', '.join(named)}")
    if root.get("version") is not None:
        edits.append(_without_version(draft, head))
        notes.append(f"{shown}: `version:` is gone, nothing reads it")
        head = []
    if head:
        edits.append(_before(draft, head))
    return apply(draft.text, edits)


def _moved(draft: Draft, root: Node, folder: str, move: _Move, shown: str, notes: list[str]) -> list[Edit]:
    edits = {
        draft.begin(moved.span, moved.old, moved.new) for moved in relocations(root, move.start, folder, move.expand)
    }
    if edits:
        relative = posixpath.relpath(move.start, folder)
        notes.append(
            f"{shown}: {_counted_paths(len(edits))} {relative}, where {'they are' if len(edits) > 1 else 'it is'}"
        )
    return sorted(edits)


def _counted_paths(number: int) -> str:
    return "1 path starts from" if number == 1 else f"{number} paths start from"


def _contexts(
    index: int, drafts: list[tuple[Draft, Node]], folder: str, move: _Move, shown: str, notes: list[str]
) -> list[Edit]:
    """A build that names no context is told its folder, in the first file that has such a build."""
    draft, root = drafts[index]
    relative = posixpath.relpath(move.start, folder)
    edits = []
    for service, build in builds_without_context(root) if relative != "." else ():
        others = [other.get("services", service, "build") for at, (_, other) in enumerate(drafts) if at != index]
        given = any(other is not None and (not other.is_mapping or other.get("context")) for other in others)
        before = any(other.get("services", service, "build") is not None for _, other in drafts[:index])
        if not given and not before:
            edits.append(draft.put_in(draft.collection(build.span), "context", relative))
            notes.append(f"{shown}: the build of {service} has its context, {relative}")
    return edits


def _env_files(move: _Move) -> list[str]:
    """The absolute paths of the files that variables come from: the ones asked for, or `.env` beside the files."""
    asked = [posixpath.join(move.request.directory, file) for file in move.request.env_files]
    if asked:
        return asked
    implicit = [posixpath.join(move.start, ".env")]
    if move.request.ambient_env_file:
        # It wins over the project's, so it comes last.
        implicit.append(posixpath.join(move.request.directory, move.request.ambient_env_file))
    return [path for path in dict.fromkeys(implicit) if Path(path).is_file()]


def _without_version(draft: Draft, head: list[str]) -> Edit:
    (edit,) = draft.drop([("version",)])
    if draft.root.flow:
        return replace(edit, text="".join(f"{line}, " for line in head))
    # A blank line below belonged to it, unless something takes its place.
    rest = draft.text[edit.end :]
    blank = re.match(r"(?:[ \t]*\r?\n)+", rest) if not head else None
    end = edit.end + (blank.end() if blank else 0)
    return Edit(edit.start, end, "".join(f"{line}{draft.newline}" for line in head))


def _before(draft: Draft, head: list[str]) -> Edit:
    """Lines before the first key."""
    if draft.root.flow:
        at = draft.root.start + 1
        return Edit(at, at, "".join(f"{line}, " for line in head))
    at = draft.root.entries[0][0].start if draft.root.entries else draft.root.start
    return Edit(at, at, "".join(f"{line}{draft.newline}" for line in head))


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_./-]+", text) else "'" + text.replace("'", "''") + "'"


def _compare(profiles: tuple[str, ...], original: Document, imported: Request, request: Request) -> None:
    """Raise ProvisionError unless the playbook means what the Compose files mean."""
    again = _document(imported, profiles=profiles, project=original.project)
    first, second = canonical(original), canonical(again)
    where = next((path for path in _differences(first, second) if not _is_extension(path)), None)
    if where is None:
        return
    raise ProvisionError(
        f"the playbook would not mean the same as {', '.join(request.files)}: {'.'.join(where)} is different",
        hint="nothing was written; write the playbook by hand, with `extends:` naming the Compose file",
    )


def _differences(first: object, second: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths at which two plain documents differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys()):
            if first.get(key) != second.get(key) or (key in first) != (key in second):
                yield from _differences(first.get(key), second.get(key), (*path, key))
    else:
        yield path


def _is_extension(path: tuple[str, ...]) -> bool:
    """Whether a path leads into an `x-` key, of the document or of one of its objects.

    Such keys mean nothing by themselves. What is moved in them is moved for those who take it through an anchor.
    """
    return path[:1] != () and (path[0].startswith("x-") or (len(path) > 2 and path[2].startswith("x-")))


def _lint(request: Request) -> tuple[Finding, ...]:
    from provisioner.lint.facts import read_files
    from provisioner.lint.run import lint

    playbook = load_playbook(request, allow_unset=True)
    return lint(playbook, read_files(playbook))


def _in_playbooks(path: str) -> bool:
    return _PLAYBOOKS in posixpath.normpath(path).split("/")[:-1]


def _target(path: str) -> str:
    """What the user types for the playbook at `path`."""
    short = re.sub(r"\.ya?ml$", "", path)
    return short.removeprefix(f"{_PLAYBOOKS}/") if short.startswith(f"{_PLAYBOOKS}/") else path
