"""The tiers are found by their files, and importing them loads no library."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import provisioner
from provisioner.secrets.tiers import all_tiers, open_tiers

if TYPE_CHECKING:
    from provisioner.secrets.tier_context import TierContext


def test_every_tier_is_found_once_and_opens_under_its_name(tier_context: TierContext) -> None:
    names = [tier.name for tier in all_tiers()]
    assert names == ["aws", "docker", "env_local", "environment", "file"]
    assert [source.tier for source in open_tiers(tier_context)] == names


def test_importing_the_tiers_loads_neither_boto3_nor_keyring() -> None:
    code = (
        "import sys; from provisioner.secrets.tiers import all_tiers; all_tiers();"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'keyring', 'docker'}))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_each_library_has_one_importer() -> None:
    package = Path(provisioner.__file__).parent
    importers: dict[str, set[str]] = {"boto3": set(), "botocore": set(), "keyring": set()}
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            # A backend is imported by its name, as a string.
            names += [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
            for name in names:
                library, dot, rest = name.partition(".")
                if library in importers and (
                    not isinstance(node, ast.Constant) or (dot and rest.replace(".", "").isalnum())
                ):
                    importers[library].add(str(path.relative_to(package)))
    assert importers == {
        "boto3": {"backup/s3.py", "secrets/aws.py"},
        "botocore": {"backup/s3.py", "secrets/aws.py"},
        "keyring": {"secrets/os_keyring.py"},
    }
