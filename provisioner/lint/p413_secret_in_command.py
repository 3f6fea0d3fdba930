"""P413: a secret on a command line. Its value is never printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import health_test, words
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook

_OPTION = re.compile(
    r"(?P<option>-{1,2}[a-z-]*(?:password|passwd|secret|token|api-?key|requirepass)|requirepass|masterauth)"
    r"(?:[= ]+)(?P<value>[^\s\"']+|\"[^\"]*\"|'[^']*')",
    re.IGNORECASE,
)
# What a file or a variable of the container gives is not on the playbook's line.
_ELSEWHERE = re.compile(r"\$|`|/run/secrets/|_FILE\b")


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        places = {
            ("command",): words(service, "command"),
            ("entrypoint",): words(service, "entrypoint"),
            ("healthcheck", "test"): health_test(service),
        }
        for path, parts in places.items():
            for match in _OPTION.finditer(" ".join(parts)):
                option, value = match["option"], match["value"]
                if not _ELSEWHERE.search(value) and not value.startswith(("-", "/")) and "file" not in option.lower():
                    yield at(
                        service, *path, message=f"'{option}' is followed by a secret that every process list shows"
                    )


RULE = Rule(
    id="P413",
    severity=Severity.ERROR,
    title="Secret on a command line",
    reason="ps and docker inspect show it to everybody on the host.",
    fix="let the program read it from /run/secrets, or from a configuration file",
    check=check,
)
