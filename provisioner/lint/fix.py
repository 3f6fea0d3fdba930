"""Mends what lint found, where that is safe: edits of the playbook's text in place, so that comments stay.

It is given texts and gives texts; reading and writing files is its caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from provisioner.document.writing import CanNotEdit, Draft, Edit, apply
from provisioner.lint.edits import Await, Drop, DropWaiver, Put, Swap
from provisioner.lint.run import rules
from provisioner.lint.waivers import apply_waivers
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provisioner.document.writing import Piece
    from provisioner.lint.edits import TextEdit
    from provisioner.lint.rule import LintFacts
    from provisioner.model.finding import Finding
    from provisioner.model.playbook import Playbook

_UNUSED_WAIVER = "P901"


@dataclass(frozen=True, slots=True)
class Fixable:
    """A finding and the changes that mend it."""

    finding: Finding
    edits: tuple[TextEdit, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """The texts by file as they are to be; the findings that are mended, and those that are not, with the reason."""

    texts: Mapping[str, str]
    done: tuple[Finding, ...]
    left: tuple[tuple[Finding, str], ...]


def fixable(playbook: Playbook, facts: LintFacts) -> tuple[Fixable, ...]:
    """The findings that no waiver covers and that can be mended, in the order of their places."""
    everything = [(rule.finding(match), match.edits) for rule in rules() for match in rule.check(playbook, facts)]
    known = {rule.id for rule in rules()}
    remaining = apply_waivers([finding for finding, _ in everything], playbook, known)
    edits_of = {finding: edits for finding, edits in everything if edits and finding in remaining}
    for finding in remaining:
        if finding.rule == _UNUSED_WAIVER and finding.span is not None:
            edits_of[finding] = (DropWaiver(finding.span),)
    return tuple(
        Fixable(finding, edits_of[finding]) for finding in sorted(edits_of, key=lambda finding: finding.sort_key)
    )


def files(wanted: Iterable[Fixable]) -> tuple[str, ...]:
    """The files that would change, as messages name them."""
    return tuple(sorted({_file(edit) for item in wanted for edit in item.edits}))


def fix(texts: Mapping[str, str], wanted: Sequence[Fixable]) -> Fixed:
    """Each finding is mended whole or not at all; one that would undo the text as YAML is left."""
    drafts: dict[str, Draft] = {}
    for file, text in texts.items():
        try:
            drafts[file] = Draft(text)
        except yaml.YAMLError:
            continue
    done: list[Fixable] = []
    left: list[tuple[Finding, str]] = []
    result = dict(texts)
    for item in wanted:
        try:
            result = _applied(drafts, [*done, item], dict(texts))
        except CanNotEdit as error:
            left.append((item.finding, str(error)))
        else:
            done.append(item)
    return Fixed(result, tuple(item.finding for item in done), tuple(left))


def _applied(drafts: Mapping[str, Draft], items: Sequence[Fixable], texts: dict[str, str]) -> dict[str, str]:
    for file in files(items):
        if file not in drafts:
            raise CanNotEdit(f"{file} can not be edited")
        wanted_here = [edit for item in items for edit in item.edits if _file(edit) == file]
        texts[file] = apply(texts[file], _written(drafts[file], wanted_here))
        try:
            Draft(texts[file])
        except yaml.YAMLError as error:
            raise CanNotEdit("the text would be no YAML any more") from error
    return texts


def _written(draft: Draft, wanted: Sequence[TextEdit]) -> list[Edit]:
    """The edits of one file; what is dropped, and what one service awaits, is dropped and awaited together."""
    edits: list[Edit] = []
    doomed: list[tuple[str, ...]] = []
    awaited: dict[str, dict[str, str]] = {}
    for edit in wanted:
        match edit:
            case Put():
                edits.append(draft.put(edit.path, edit.key, edit.text))
            case Swap():
                edits.append(draft.swap(edit.span, edit.old, edit.new))
            case Drop():
                draft.find(edit.path)
                doomed.append(edit.path)
            case DropWaiver():
                doomed.append(_waiver(draft, edit))
            case Await():
                awaited.setdefault(edit.service, {})[edit.dependency] = edit.condition
    edits += draft.drop(doomed)
    for service, conditions in awaited.items():
        edits += _await(draft, service, conditions)
    return edits


def _waiver(draft: Draft, edit: DropWaiver) -> tuple[str, ...]:
    wanted = draft.collection(edit.span)
    for index, item in enumerate(draft.find(("lint", "ignore")).items):
        if item is wanted:
            return ("lint", "ignore", str(index))
    raise CanNotEdit("the waiver is not written there")


def _await(draft: Draft, service: str, conditions: Mapping[str, str]) -> list[Edit]:
    depends_on = draft.find(("services", service, "depends_on"))
    if depends_on.kind == "mapping":
        edits = []
        for name, condition in conditions.items():
            value = draft.find(("services", service, "depends_on", name))
            edits.append(draft.put_in(value, "condition", condition))
        return edits
    if depends_on.kind != "sequence" or any(item.kind != "scalar" for item in depends_on.items):
        raise CanNotEdit("depends_on is neither a list nor a mapping of its own")
    missing = conditions.keys() - {item.value for item in depends_on.items}
    if missing:
        raise CanNotEdit(f"depends_on does not name {', '.join(sorted(missing))} there")
    edits = [_long(draft, depends_on, item, conditions) for item in depends_on.items]
    if depends_on.flow:
        start = draft.text.index("[", depends_on.start)
        edits += [Edit(start, start + 1, "{"), Edit(depends_on.end - 1, depends_on.end, "}")]
    return edits


def _long(draft: Draft, depends_on: Piece, item: Piece, conditions: Mapping[str, str]) -> Edit:
    """`- db` or `db` as `db: {condition: …}`."""
    start = item.start if depends_on.flow else draft.text.rindex("-", 0, item.start)
    condition = conditions.get(item.value, "service_started")
    return Edit(start, item.end, f"{draft.raw(item)}: {{condition: {condition}}}")


def _file(edit: TextEdit) -> str:
    return edit.span.file if isinstance(edit, (Swap, DropWaiver)) else edit.file
