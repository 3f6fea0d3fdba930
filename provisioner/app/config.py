"""`config`: the resolved playbook, and where a variable or a secret comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.app.load import load_document
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.app.request import Request
    from provisioner.document import Document, VariableUse


@dataclass(frozen=True, slots=True)
class Explanation:
    """`lines` are for people: what the name is, where its value comes from, what it hides. Never a secret's value."""

    name: str
    lines: tuple[str, ...]


def config(request: Request, without: Iterable[str] = ()) -> Document:
    """The canonical document of a request's files, `without` what a reading may leave out."""
    return load_document(request, without)


def with_registry_digests(request: Request, document: Document, tree: dict[str, Any]) -> dict[str, Any]:
    """The tree with the images pinned to what their registries have; this alone needs an engine."""
    from provisioner.app.config_parts import with_digests
    from provisioner.app.wiring import open_engine
    from provisioner.playbook.bind import bind

    return with_digests(tree, open_engine(request, bind(document).engine, manages=False))


def explain(request: Request, name: str) -> Explanation:
    """Where a variable or a secret comes from, tier by tier. UsageError for a name that is neither."""
    document = load_document(request)
    for use in document.variables:
        if use.name == name:
            return Explanation(name, tuple(_variable(use)))
    from provisioner.playbook.bind import bind

    playbook = bind(document)
    if name in playbook.secrets:
        from provisioner.app.wiring import open_engine, tier_context
        from provisioner.secrets.declarations import declarations
        from provisioner.secrets.explain import explain as explain_secret
        from provisioner.secrets.tiers import open_tiers

        try:
            engine = open_engine(request, playbook.engine)
        except ProvisionError:
            engine = None
        tiers = open_tiers(tier_context(request, playbook, engine))
        return Explanation(name, explain_secret(name, declarations(playbook), tiers))
    known = [*(use.name for use in document.variables), *playbook.secrets]
    raise UsageError(
        f"no variable or secret is named {name!r}",
        hint=nearest(name, known) or f"there are: {', '.join(sorted(known))}",
    )


def _variable(use: VariableUse) -> list[str]:
    from provisioner.kinds.compare import looks_secret

    shown = "(sensitive)" if looks_secret(use.name, use.value) else repr(use.value)
    lines = [f"variable {use.name} = {shown if use.value is not None else 'unset'}", f"  from: {use.origin}"]
    lines += [f"  hides: {origin}" for origin in use.shadowed]
    return [*lines, *(f"  used at: {span}" for span in use.used_at)]
