"""Write the pages of this folder from the rules and their test cases: `python docs/lint/pages.py`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from provisioner.document import Sources, read
from provisioner.lint.facts import read_files
from provisioner.lint.fix import fixable
from provisioner.lint.run import rules
from provisioner.playbook.bind import bind

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "tests" / "cases" / "lint"
GROUPS = {
    "P0": "Images",
    "P1": "Networking",
    "P2": "Readiness",
    "P3": "Data",
    "P4": "Security",
    "P5": "Resources",
    "P6": "Restarts",
    "P7": "Unused objects",
    "P8": "What can not be",
    "P9": "Waivers",
}
_INTRODUCTION = """# Lint rules

`provision lint [TARGET]` looks for mistakes that are valid, and says where they stand, why they matter and what mends
them. It reads the playbook and the files beside it; where an engine answers, it also knows which volumes, subnets and
images are there. Findings are errors, warnings or notes; only errors make the exit code 1.

What is meant to be so is waived in the playbook, for one service or for all, always with the reason:

```yaml
lint:
  ignore:
    - {rule: P001, service: legacy, reason: the vendor publishes no versions}
```

Some rules apply to production only: where a word of the environment's name is `prod`, `production` or `live`.

`provision lint --fix` mends what can be mended without a decision: the rules that say so below. It changes the text in
place, in the file where the finding stands; comments and order stay. The playbook is read again before that counts.
"""


def pages() -> dict[str, str]:
    """The text of every page by its file name."""
    return {"README.md": _index(), **{f"{rule.id}.md": _page(rule) for rule in rules()}}


def _index() -> str:
    parts = [_INTRODUCTION]
    for prefix, title in GROUPS.items():
        rows = [
            f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title} | {'yes' if _fixes(rule.id) else ''} |"
            for rule in _of(prefix)
        ]
        head = ("| rule | severity | finds | `--fix` |", "| --- | --- | --- | --- |")
        parts.append("\n".join((f"## {title}", "", *head, *rows)) + "\n")
    return "\n".join(parts)


def _of(prefix: str):
    return [rule for rule in rules() if rule.id.startswith(prefix)]


@cache
def _fixes(rule: str) -> bool:
    """Whether the rule's own example is mended."""
    playbook = bind(read(Sources((str(CASES / rule / "bad.yml"),))))
    return any(item.finding.rule == rule for item in fixable(playbook, read_files(playbook)))


def _page(rule) -> str:
    case = CASES / rule.id
    found = "\n".join(line.replace("bad.yml", "playbook.yml") for line in _lines(case / "expected.txt"))
    beside = "".join(_beside(case))
    return "\n".join(
        (
            f"# {rule.id}: {rule.title}",
            "",
            f"Severity: {rule.severity}",
            "",
            rule.reason,
            "",
            f"**To mend it:** {rule.fix}." + (" `provision lint --fix` does it." if _fixes(rule.id) else ""),
            "",
            "## Found",
            "",
            _block("yaml", (case / "bad.yml").read_text()),
            beside + _block("text", found),
            "## Left alone",
            "",
            _block("yaml", (case / "good.yml").read_text()),
        )
    )


def _beside(case: Path):
    """The other files of the example, and what the engine tells."""
    for file in sorted(case.rglob("*")):
        name = file.relative_to(case).as_posix()
        if file.is_dir() or name in ("bad.yml", "good.yml", "expected.txt"):
            continue
        if name == "facts.json":
            yield f"The engine tells:\n\n{_block('json', file.read_text())}\n"
        else:
            yield f"`{name}`:\n\n{_block('text', file.read_text())}\n"


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text)
