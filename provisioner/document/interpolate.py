"""Variables in the values of one file's tree. Keys are never touched; nothing but text is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.document.findings import dotted
from provisioner.document.template import BadTemplate, RequiredVariable, substitute
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from provisioner.document.findings import Findings, Path
    from provisioner.document.variables import Scope, Uses
    from provisioner.model.node import Node
    from provisioner.model.span import Span

_SECRET = re.compile(r"(\$\{secret:[^}]*\})")


@dataclass(frozen=True, slots=True)
class Interpolation:
    """What it takes: the variables, and where to note their use and what is wrong."""

    scope: Scope
    uses: Uses
    findings: Findings
    unset: dict[Problem, None]

    def apply(self, node: Node, path: Path = ()) -> Node:
        """`node` with the variables of all its texts replaced."""
        value = node.value
        if isinstance(value, str):
            return self._text(node, value, path) if "$" in value else node
        if isinstance(value, tuple):
            changed = {
                index: new
                for index, item in enumerate(value)
                if _may_change(item) and (new := self.apply(item, (*path, str(index)))) is not item
            }
            if not changed:
                return node
            return replace(node, value=tuple(changed.get(index, item) for index, item in enumerate(value)))
        if not node.is_mapping:
            return node
        entries = {
            key: new
            for key, item in node.mapping.items()
            if _may_change(item) and (new := self.apply(item, (*path, key))) is not item
        }
        return replace(node, value={**node.mapping, **entries}) if entries else node

    def _text(self, node: Node, text: str, path: Path) -> Node:
        def lookup(name: str, copes: bool) -> str | None:
            return self._lookup(name, copes, node.span, path)

        try:
            if len(path) == 3 and path[0] == "secrets" and path[2] == "template":
                parts = _SECRET.split(text)
                changed = "".join(part if _SECRET.match(part) else substitute(part, lookup) for part in parts)
            else:
                changed = substitute(text, lookup)
        except BadTemplate as error:
            self.findings.error(str(error), node.span, path, "write '$$' where a dollar is meant")
            return replace(node, value="")
        except RequiredVariable as error:
            self.findings.error(
                str(error), node.span, path, f"set it in the shell, an env file, `vars` or with -e {error.name}=…"
            )
            return replace(node, value="")
        return replace(node, value=changed)

    def _lookup(self, name: str, copes: bool, span: Span, path: Path) -> str | None:
        self.uses.at.setdefault(name, {})[span] = None
        candidates = self.scope.candidates(name)
        if candidates:
            self.uses.candidates.setdefault(name, candidates)
            return candidates[0].value
        if copes:
            self.uses.defaulted.add(name)
        else:
            problem = Problem(
                f"the variable {name} is not set, so it is empty here",
                span,
                dotted(path),
                f"set it, or write ${{{name}-}} if empty is meant",
            )
            self.unset[problem] = None
        return None


def _may_change(node: Node) -> bool:
    """Cheap enough to spare most nodes their path."""
    value = node.value
    return "$" in value if isinstance(value, str) else isinstance(value, (tuple, dict))
