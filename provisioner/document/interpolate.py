"""Variables in the values of one file's tree. Keys are never touched; nothing but text is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner.document.findings import dotted
from provisioner.document.template import BadTemplate, RequiredVariable, substitute
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
            items = tuple(self.apply(item, (*path, str(index))) for index, item in enumerate(value))
            return (
                node if all(new is old for new, old in zip(items, value, strict=True)) else replace(node, value=items)
            )
        if node.is_mapping:
            entries = {key: self.apply(item, (*path, key)) for key, item in node.mapping.items()}
            same = all(entries[key] is item for key, item in node.mapping.items())
            return node if same else replace(node, value=entries)
        return node

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
            self.uses.found.setdefault(name, candidates)
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
