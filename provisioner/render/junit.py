"""Results as JUnit XML, which every CI service shows: one test case per check, or per finding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.model.finding import Finding
    from provisioner.model.verification import CheckResult

# What XML 1.0 can not hold (its section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def checks_junit(suites: Iterable[tuple[str, Sequence[CheckResult]]]) -> str:
    """A suite for each environment, a case for each of its checks."""
    root = Element("testsuites", name="provision verify")
    for name, checks in suites:
        suite = _suite(root, name, len(checks), sum(not check.ok for check in checks))
        suite.set("time", f"{sum(check.seconds for check in checks):.3f}")
        for check in checks:
            case = _case(suite, name, check.name, check.span.file if check.span else "")
            case.set("time", f"{check.seconds:.3f}")
            if not check.ok:
                _failure(case, check.message, f"{check.span or name}: {check.message} (attempts: {check.attempts})")
    return _text(root)


def findings_junit(findings: Sequence[Finding], title: str) -> str:
    """A case for each finding, those that are errors as failed; one that passed where nothing was found."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    root = Element("testsuites", name="provision lint")
    suite = _suite(root, title, max(len(findings), 1), errors)
    for finding in sorted(findings, key=lambda finding: finding.sort_key):
        file = finding.span.file if finding.span else ""
        case = _case(suite, finding.rule, finding.path or finding.message, file)
        if finding.severity is Severity.ERROR:
            _failure(case, finding.message, str(finding))
        else:
            SubElement(case, "system-out").text = _clean(str(finding))
    if not findings:
        _case(suite, "provision lint", "nothing to mend", "")
    return _text(root)


def _suite(root: Element, name: str, tests: int, failures: int) -> Element:
    return SubElement(
        root, "testsuite", name=_clean(name), tests=str(tests), failures=str(failures), errors="0", skipped="0"
    )


def _case(suite: Element, classname: str, name: str, file: str) -> Element:
    case = SubElement(suite, "testcase", classname=_clean(classname), name=_clean(name))
    if file:
        case.set("file", _clean(file))
    return case


def _failure(case: Element, message: str, text: str) -> None:
    SubElement(case, "failure", message=_clean(message)).text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)


def _text(root: Element) -> str:
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"
