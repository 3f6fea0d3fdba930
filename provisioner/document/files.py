"""The files of one reading: each is read once, named in messages as the user named it, and listed afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provisioner.document import dotenv, secret_files, text, tree
from provisioner.document.variables import Variable
from provisioner.model.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioner.document.dotenv import Setting
    from provisioner.document.findings import Findings, Path
    from provisioner.document.variables import Tier
    from provisioner.model.node import Node
    from provisioner.model.span import Problem


class Files:
    """`names` are the user's own names for absolute paths; any other path is shown relative to `here`."""

    def __init__(self, here: str, findings: Findings) -> None:
        self._here = here
        self._findings = findings
        self._names: dict[str, str] = {}
        self._trees: dict[str, Node | None] = {}
        self._texts: dict[str, str | None] = {}
        self.read: dict[str, None] = {}
        # Variables without a value in env files and label files of services.
        self.unset: dict[Problem, None] = {}
        # The folders of the project, beside the current one.
        self.folders: tuple[str, ...] = ()
        # What the secret files beside the playbook are known by, beside their names.
        self.secret_files: frozenset[secret_files.Identity] = frozenset()
        # Whether any of them says !reset or !override.
        self.tagged = False

    @property
    def documents(self) -> list[str]:
        """The files that were read as YAML: playbooks, and what they are made from, but no env files."""
        return [path for path in self.read if path in self._trees]

    def name(self, path: str, shown: str) -> None:
        self._names[path] = shown

    def shown(self, path: str) -> str:
        """How messages name `path`: relative where that is shorter."""
        if path in self._names:
            return self._names[path]
        below = os.path.relpath(path, self._here)
        return below if not below.startswith("..") else path

    def tree(self, path: str, asked: Span | None = None) -> Node | None:
        """The YAML file at `path`, or None after telling why not; `asked` is where it is named."""
        if path not in self._trees:
            content = self.text(path, asked)
            shown = self.shown(path)
            self._trees[path] = None if content is None else tree.parse(content, shown, self._findings)
            self.tagged |= content is not None and (tree.RESET in content or tree.OVERRIDE in content)
        return self._trees[path]

    def text(self, path: str, asked: Span | None = None, where: Path = ()) -> str | None:
        """The file's text; None after telling why not, as of one in which provision keeps secrets."""
        if self.refused(path, asked):
            return None
        if path not in self._texts:
            if path != text.STDIN and not self._is_of_project(path):
                self._findings.foreign.add(self.shown(path))
            self._texts[path] = text.load(path, self.shown(path), self._findings, asked, where)
            if self._texts[path] is not None:
                self.read[path] = None
        return self._texts[path]

    def _is_of_project(self, path: str) -> bool:
        """Whether a file lies below the current folder or one of the project's."""
        real = os.path.realpath(path)
        return any(
            real.startswith(f"{os.path.realpath(folder).rstrip('/')}/") for folder in (self._here, *self.folders)
        )

    def refused(self, path: str, asked: Span | None = None) -> bool:
        """Tell of a file in which provision keeps secrets, there or not; whether it is one."""
        if path == text.STDIN or not secret_files.is_secret_file(path, self.secret_files):
            return False
        shown = self.shown(path)
        self._findings.error(secret_files.message(shown), asked or Span(shown), hint=secret_files.PLAIN_INSTEAD)
        return True

    def settings(
        self,
        path: str,
        lookup: Callable[[str], str | None],
        asked: Span | None = None,
        where: Path = (),
        *,
        raw: bool = False,
    ) -> dict[str, Setting]:
        """The settings of a service's env file, named at `where`; none after telling why it can not be read.

        A variable that has no value there is kept in `unset`: it is empty in what runs.
        """
        content = self.text(path, asked, where)
        if content is None:
            return {}
        return dotenv.parse(content, self.shown(path), self._findings, lookup, raw=raw, unset=self.unset)

    def tiers(self, named: Iterable[tuple[str, Span | None]], lookup: Callable[[str], str | None]) -> list[Tier]:
        """Env files as tiers of variables, the last file's first; a file may use the variables of those before it."""
        tiers: list[Tier] = []
        earlier: dict[str, str] = {}
        for path, asked in named:
            content = self.text(path, asked)
            if content is None:
                continue
            settings = dotenv.parse(content, self.shown(path), self._findings, lookup, earlier=earlier)
            tier = {
                name: Variable(setting.value, f"env file {setting.span.file}:{setting.span.line}")
                for name, setting in settings.items()
                if setting.value is not None
            }
            earlier.update({name: variable.value for name, variable in tier.items()})
            tiers.append(tier)
        return tiers[::-1]
