"""Every form of `${…}`, and what is wrong with the others."""

from __future__ import annotations

import pytest

from provisioner.document.template import BadTemplate, RequiredVariable, substitute

VALUES = {"SET": "value", "EMPTY": "", "OTHER": "other", "_U1": "under"}

FORMS = {
    "": "",
    "plain": "plain",
    "$SET": "value",
    "$SET-x": "value-x",
    "${SET}": "value",
    "a${SET}b$OTHER": "avaluebother",
    "$_U1": "under",
    "$UNSET": "",
    "${UNSET}": "",
    "${EMPTY}": "",
    "${SET:-d}": "value",
    "${EMPTY:-d}": "d",
    "${UNSET:-d}": "d",
    "${SET-d}": "value",
    "${EMPTY-d}": "",
    "${UNSET-d}": "d",
    "${UNSET-}": "",
    "${SET:+a}": "a",
    "${EMPTY:+a}": "",
    "${UNSET:+a}": "",
    "${SET+a}": "a",
    "${EMPTY+a}": "a",
    "${UNSET+a}": "",
    "${SET:?m}": "value",
    "${EMPTY?m}": "",
    "${UNSET:-${SET}}": "value",
    "${UNSET:-a${EMPTY:-b${UNSET-c}d}e}": "abcde",
    "${SET:+${OTHER}}": "other",
    "${UNSET:-$SET}": "value",
    "${UNSET:-{}}": "{}",
    "${UNSET:-a:b?c+d-e}": "a:b?c+d-e",
    "$$": "$",
    "$$SET": "$SET",
    "$${SET}": "${SET}",
    "$$$SET": "$value",
    "$$$$": "$$",
    "5$": "5$",
    "$5": "$5",
    "$(id)": "$(id)",
    "a $ b": "a $ b",
}


def lookup(name: str, _copes: bool) -> str | None:
    return VALUES.get(name)


@pytest.mark.parametrize(("template", "text"), FORMS.items())
def test_a_template_becomes_text(template: str, text: str) -> None:
    assert substitute(template, lookup) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("${", "'${' is not closed"),
        ("${SET", "'${' is not closed"),
        ("${UNSET:-${SET}", "'${' is not closed"),
        ("${}", "'${' is not followed by a variable's name"),
        ("${1}", "'${' is not followed by a variable's name"),
        ("${ SET}", "'${' is not followed by a variable's name"),
        ("${SET!x}", "'${SET' is followed by '!', expected one of } :- - :? ? :+ +"),
        ("${SET:x}", "'${SET' is followed by ':', expected one of } :- - :? ? :+ +"),
        ("${UNSET:-${!}}", "'${' is not followed by a variable's name"),
    ],
)
def test_what_is_no_template_is_told(template: str, message: str) -> None:
    with pytest.raises(BadTemplate) as error:
        substitute(template, lookup)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("${UNSET:?say it}", "the variable UNSET is required: say it"),
        ("${EMPTY:?say it}", "the variable EMPTY is required: say it"),
        ("${UNSET?}", "the variable UNSET is required"),
        ("${UNSET?see ${OTHER}}", "the variable UNSET is required: see other"),
    ],
)
def test_a_required_variable_says_why(template: str, message: str) -> None:
    with pytest.raises(RequiredVariable) as error:
        substitute(template, lookup)
    assert str(error.value) == message
    assert error.value.name in ("UNSET", "EMPTY")


def test_only_what_is_used_is_looked_up() -> None:
    asked: list[tuple[str, bool]] = []

    def note(name: str, copes: bool) -> str | None:
        asked.append((name, copes))
        return VALUES.get(name)

    substitute("${SET:-$NEVER} ${UNSET:+$NEVER} $BARE ${UNSET-$DEFAULT}", note)
    assert asked == [("SET", True), ("UNSET", True), ("BARE", False), ("UNSET", True), ("DEFAULT", False)]
