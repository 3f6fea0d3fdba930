"""What a shell may complete: the names that a playbook, its engine and this machine know. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner.app.load import load_document
from provisioner.app.wiring import open_engine
from provisioner.kinds.ownership import PROJECT
from provisioner.ledger.labels import LEDGER
from provisioner.playbook.bind import bind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.app.request import Request

# The longest time (seconds) that an engine may take to answer while somebody waits for a completion.
_PATIENCE = "2"
_LONGEST_COMMENT = 60


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """One word that may stand there; `comment` is what shells show beside it."""

    word: str
    comment: str = ""


def services(request: Request) -> list[Candidate]:
    """The services of the playbook with their images, and those of inactive profiles with these."""
    playbook = bind(load_document(request))
    active = [Candidate(name, service.image[:_LONGEST_COMMENT]) for name, service in playbook.services.items()]
    inactive = [
        Candidate(undeployed.key, f"profile {', '.join(undeployed.profiles)}")
        for undeployed in playbook.undeployed
        if undeployed.section == "services"
    ]
    return [*active, *inactive]


def addresses(request: Request) -> list[Candidate]:
    """The addresses of all declared objects; of a service with replicas each of them too."""
    playbook = bind(load_document(request))
    words = []
    for name, service in playbook.services.items():
        words.append(f"service.{name}")
        if service.replicas > 1:
            words += [f"service.{name}[{index}]" for index in range(1, service.replicas + 1)]
    for kind, section in (
        ("network", playbook.networks), ("volume", playbook.volumes), ("config", playbook.configs),
        ("secret", playbook.secrets),
    ):  # fmt: skip
        words += [f"{kind}.{name}" for name in section]
    words += [f"image.{name}" for name in playbook.services]
    return [Candidate(address) for address in words]


def revisions(request: Request) -> list[Candidate]:
    """The numbers of the revisions that the engine keeps, the newest first."""
    from provisioner.ledger.revisions import revisions as kept_revisions

    playbook = bind(load_document(request))
    kept = kept_revisions(open_engine(_hasty(request), playbook.engine), playbook.project)
    return [
        Candidate(
            str(revision.number),
            f"{revision.applied_at[:16].replace('T', ' ')} by {revision.applied_by.partition(',')[0]}",
        )
        for revision in reversed(kept)
    ]


def archives(request: Request) -> list[Candidate]:
    """The archives of the environment's data in the first place that has any, the newest first, and `latest`."""
    from provisioner.app.backup import list_backups

    for _, listed in list_backups(request).places:
        if listed.archives:
            newest_first = [Candidate(archive.id, archive.manifest.reason) for archive in reversed(listed.archives)]
            return [Candidate("latest", listed.archives[-1].id), *newest_first]
    return []


def variables(request: Request) -> list[Candidate]:
    """The variables that the playbook uses, with where their values come from."""
    return [Candidate(use.name, use.origin) for use in load_document(request).variables]


def explainable(request: Request) -> list[Candidate]:
    """What `config --explain` knows: variables and secrets."""
    return [*variables(request), *(Candidate(candidate.word, "secret") for candidate in secrets(request))]


def profiles(request: Request) -> list[Candidate]:
    """The profiles that services name."""
    playbook = bind(load_document(request))
    named = {name for undeployed in playbook.undeployed for name in undeployed.profiles}
    for service in playbook.services.values():
        listed = service.body.get("profiles")
        named |= {str(name) for name in listed.items} if listed is not None else set()
    return [Candidate(name) for name in sorted(named)]


def secrets(request: Request) -> list[Candidate]:
    """The names of the playbook's secrets."""
    return [Candidate(name) for name in bind(load_document(request)).secrets]


def volumes(request: Request) -> list[Candidate]:
    """The names of the playbook's volumes."""
    return [Candidate(name) for name in bind(load_document(request)).volumes]


def checks(request: Request) -> list[Candidate]:
    """The names of the playbook's acceptance checks."""
    return [Candidate(check.name, check.kind) for check in bind(load_document(request)).checks]


def environments(request: Request) -> list[Candidate]:
    """The environments that the engine holds objects or a history of, by the names of their projects."""
    engine = open_engine(_hasty(request), None)
    projects: set[str] = set()
    for raw in engine.containers():
        labels = raw.get("Labels") or {}
        projects |= {str(labels[key]) for key in (PROJECT, LEDGER) if labels.get(key)}
    if engine.facts().swarm_manager:
        listed = [*engine.list("service", {}), *engine.list("config", {})]
        projects |= {
            str((raw["Spec"].get("Labels") or {}).get(key) or "") for raw in listed for key in (PROJECT, LEDGER)
        }
    return [Candidate(name) for name in sorted(projects - {""})]


def contexts(request: Request) -> list[Candidate]:
    """Docker's contexts on this machine."""
    from provisioner.engines.contexts import context_names

    return [Candidate(name) for name in context_names(request.shell)]


def merged(by_play: Iterable[list[Candidate]]) -> list[Candidate]:
    """Candidates of several plays, each word once."""
    return list({candidate.word: candidate for part in by_play for candidate in part}.values())


def _hasty(request: Request) -> Request:
    """The request whose engine is not waited for when it does not answer."""
    return replace(request, shell={**request.shell, "PROVISION_ENGINE_TIMEOUT": _PATIENCE})
