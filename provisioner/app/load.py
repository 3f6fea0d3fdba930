"""Files to a playbook: read, bind, narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document import Document, Sources, read
from provisioner.errors import PlaybookInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.model.playbook import Playbook
    from provisioner.model.span import Problem


def load_document(request: Request, without: Iterable[str] = ()) -> Document:
    """The canonical document of a request's files. PlaybookInvalid with every problem.

    `without` leaves parts of the reading out (`provisioner/document/sources.py`).
    """
    return read(
        Sources(
            files=request.files,
            environment=request.shell,
            overrides=request.overrides,
            env_files=request.env_files,
            profiles=request.profiles,
            project_name=request.project_name,
            directory=request.project_directory,
            ambient_env_file=request.ambient_env_file,
            in_playbooks=request.in_playbooks,
            vars=request.vars,
            without=frozenset(without),
        )
    )


def load_playbook(
    request: Request,
    *,
    targets: Sequence[Address] = (),
    scale: Mapping[str, int] | None = None,
    allow_unset: bool = False,
    feasible: bool = False,
    further: Callable[[Playbook], Iterable[Problem]] = lambda playbook: (),
) -> Playbook:
    """The bound playbook, narrowed to `targets`, with `scale` applied.

    A variable without value or default is a problem unless `allow_unset`: what would be applied is not what was meant.
    With `feasible`, what can not be carried out is one too; what the targets leave out is not looked at. `further`
    gives what else is wrong with a playbook that is refused, so that all is told at once.
    """
    # Whoever only wants the document loads none of it.
    from provisioner.playbook import select
    from provisioner.playbook.bind import bind_in_spite
    from provisioner.playbook.crossref import contradictions, mode_of

    document = load_document(request)
    playbook, invalid = bind_in_spite(document)
    problems = (*(() if allow_unset else document.unset), *invalid)
    if not invalid:
        try:
            playbook = select.scale(playbook, scale or {})
        except PlaybookInvalid as error:
            raise PlaybookInvalid((*problems, *error.problems)) from None
        playbook = select.target(playbook, [str(target) for target in targets])
    if feasible or invalid:
        problems = (*problems, *contradictions(playbook, mode_of(playbook)))
    if problems:
        raise PlaybookInvalid(dict.fromkeys((*problems, *further(playbook))))
    return playbook
