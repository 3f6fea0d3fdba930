"""What no linter looks for in our own source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def shadowing(text: str) -> list[str]:
    """`FUNCTION: NAME` of each function in which a comprehension has a variable of a name that the same function calls
    outside it. Python 3.12.1 takes such a name for an unbound local of the function.
    """
    found = []
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            called = {node.func.id for node in ast.walk(function) if _calls(node)}
            for name in sorted(_variables(function) & called):
                found.append(f"{function.name}: {name}")
    return found


def _calls(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _variables(function: ast.FunctionDef) -> set[str]:
    """The variables of its comprehensions that are called in none of these."""
    names = set()
    for node in ast.walk(function):
        if isinstance(node, _COMPREHENSIONS):
            own = {part.id for one in node.generators for part in ast.walk(one.target) if isinstance(part, ast.Name)}
            names |= own - {part.func.id for part in ast.walk(node) if _calls(part)}
    return names


@pytest.mark.parametrize("room", ["provisioner", "tests"])
def test_no_comprehension_hides_a_function_that_is_called_beside_it(room):
    found = {str(file.relative_to(PROJECT)): shadowing(file.read_text()) for file in (PROJECT / room).rglob("*.py")}
    assert {file: names for file, names in found.items() if names} == {}


def test_one_that_does_is_found():
    text = "def search(known):\n    swapped = {n: i for i, n in known}\n    return [i(one) for one in swapped]\n"
    assert shadowing(text) == ["search: i"]
    assert shadowing(text.replace("i(one)", "name(one)")) == []


def test_no_file_of_the_package_is_above_400_lines():
    lengths = {str(file.relative_to(PROJECT)): len(file.read_text().splitlines()) for file in _package()}
    assert {file: lines for file, lines in lengths.items() if lines > 400} == {}


def _package() -> list[Path]:
    return sorted((PROJECT / "provisioner").rglob("*.py"))


# What takes any object, in whichever spelling; shapes and the names of `model/edges.py` stand for it.
UNTYPED = re.compile(r"\b(dict|Dict|Mapping|MutableMapping)\[str, (Any|object)\]")
# Where these names are made, and where classes are: their namespaces are no data.
MAKES_NAMES = {"model/edges.py", "model/state.py: Spec", "model/dataclass.py"}


@pytest.mark.parametrize("room", ["model", "kinds", "reconcile", "platforms", "engines", "ports.py"])
def test_what_goes_from_a_file_to_a_call_and_back_has_a_shape(room):
    package = PROJECT / "provisioner"
    files = [package / room] if room.endswith(".py") else sorted((package / room).glob("*.py"))
    found = []
    for file in files:
        name = str(file.relative_to(package))
        for number, line in enumerate(file.read_text().splitlines(), 1):
            is_named = bool({name, f"{name}: {line.partition(' = ')[0]}"} & MAKES_NAMES)
            if UNTYPED.search(line) and not is_named:
                found.append(f"{name}:{number}: {line.strip()}")
    assert files
    assert found == []


@pytest.mark.parametrize("text", ["entry: dict[str, Any]", "-> Sequence[Mapping[str, object]]:"])
def test_what_has_no_shape_is_found(text):
    assert UNTYPED.search(text)
