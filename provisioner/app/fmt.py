"""`fmt`: the files of a playbook in the usual layout. What they mean, their comments and their order stay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.load import load_document
from provisioner.app.output_file import write_output
from provisioner.document.findings import Findings
from provisioner.document.layout import laid_out
from provisioner.document.text import STDIN, load
from provisioner.errors import PlaybookInvalid, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.request import Request
    from provisioner.model.span import Problem


# Of what a playbook reads: not its files of variables.
_YAML = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file that differs from the usual layout: its text, and what it would be."""

    file: str
    before: str
    after: str


def files_of(requests: Sequence[Request], lists: Sequence[str] = ()) -> list[str]:
    """The files of some playbooks with those that they extend and include, each once, absolute; `lists` of plays first.

    UsageError for standard input, PlaybookInvalid for playbooks that can not be read.
    """
    paths = {str(Path(request.directory, file)): None for request in requests[:1] for file in lists}
    for request in requests:
        read = (file for file in load_document(request).files if Path(file).suffix in _YAML)
        for file in (*request.files, *read):
            if file == STDIN:
                raise UsageError("fmt writes files, and standard input is none", hint="name the file with -f")
            paths[str(Path(request.directory, file))] = None
    return list(paths)


def differing(files: Sequence[str], directory: str) -> list[Formatted]:
    """The files that are not in the usual layout. PlaybookInvalid, with those of all files, for what can not be."""
    problems: list[Problem] = []
    changes = []
    for file in files:
        shown = _shown(file, directory)
        findings = Findings()
        text = load(file, shown, findings)
        problems += findings.errors
        if text is None:
            continue
        try:
            after = laid_out(text, shown)
        except PlaybookInvalid as error:
            problems += error.problems
            continue
        if after != text:
            changes.append(Formatted(shown, text, after))
    if problems:
        raise PlaybookInvalid(problems)
    return changes


def write(changes: Sequence[Formatted], directory: str) -> None:
    """Write the files; each is the old one or the new one, whatever happens."""
    for formatted in changes:
        write_output(directory, formatted.file, formatted.after)


def _shown(file: str, directory: str) -> str:
    path = Path(file)
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else file
