"""`lint`: find common mistakes, and mend some. Looks at the files, and at the engine only where one answers."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.errors import PlaybookInvalid
    from provisioner.lint.rule import LintFacts
    from provisioner.model.finding import Finding
    from provisioner.model.playbook import Playbook


# In the place of a rule's id.
INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class FixResult:
    """What `lint --fix` did: the findings that are mended, those that could have been but for how the text is
    written, the files that changed, and what is still found.
    """

    done: tuple[Finding, ...]
    left: tuple[tuple[Finding, str], ...]
    files: tuple[str, ...]
    findings: tuple[Finding, ...]


def lint(request: Request) -> tuple[Finding, ...]:
    """The findings that no waiver covers, by position."""
    from provisioner.lint.run import lint as find

    playbook = load_playbook(request, allow_unset=True)
    return find(playbook, _facts(request, playbook))


def invalid(error: PlaybookInvalid) -> tuple[Finding, ...]:
    """The problems of a playbook that has no meaning, as findings: for outputs that have a form for those only."""
    from provisioner.model.finding import Finding, Severity

    return tuple(
        Finding(
            INVALID, Severity.ERROR, problem.message, problem.span, problem.path, problem.hint or "",
            title="Invalid playbook", reason="What is written has no meaning, so that nothing can be done with it.",
        )
        for problem in error.problems
    )  # fmt: skip


def fix(request: Request) -> FixResult:
    """Mend what can be mended safely, in the files themselves; the playbook is read again before that counts.

    ProvisionError, with all files as they were, where it could not be read any more.
    """
    from provisioner.app.written_files import WrittenFiles, write_together
    from provisioner.lint.fix import files, fix, fixable

    playbook = load_playbook(request, allow_unset=True)
    wanted = fixable(playbook, _facts(request, playbook))
    texts: dict[str, str] = {}
    for file in files(wanted):
        with suppress(OSError, UnicodeDecodeError):
            texts[file] = Path(request.directory, file).read_bytes().decode("utf-8")
    fixed = fix(texts, wanted)
    changed = {file: text for file, text in fixed.texts.items() if text != texts[file]}
    written = WrittenFiles()
    try:
        written = write_together(request.directory, changed)
        findings = lint(request)
    except ProvisionError as error:
        written.take_back()
        raise ProvisionError(f"nothing was mended: {error}", hint=error.hint or "mend the findings by hand") from error
    return FixResult(fixed.done, fixed.left, tuple(changed), findings)


def _facts(request: Request, playbook: Playbook) -> LintFacts:
    from provisioner.app.wiring import open_engine
    from provisioner.lint import facts

    known = facts.read_files(playbook)
    # Without an engine the files alone are judged.
    with suppress(ProvisionError):
        known = facts.read_engine(playbook, open_engine(request, playbook.engine, manages=False), known)
    return known
