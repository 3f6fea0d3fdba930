from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import provisioner.lint
from provisioner.document import Sources, read
from provisioner.lint.facts import read_files
from provisioner.lint.rule import Rule
from provisioner.lint.run import lint, rules
from provisioner.playbook.bind import bind

NAMES = [module.name for module in pkgutil.iter_modules(provisioner.lint.__path__)]
CORPUS = Path(__file__).parents[2] / "corpus" / "awesome-compose"
RULE_FILES = [name for name in NAMES if re.match(r"p[0-9]", name)]


def test_every_rule_file_has_one_rule_with_its_id():
    for name in RULE_FILES:
        constants = [
            value for value in vars(import_module(f"provisioner.lint.{name}")).values() if isinstance(value, Rule)
        ]
        assert [rule.id for rule in constants] == [name.partition("_")[0].upper()], name


def test_no_rule_hides_in_another_file():
    for name in set(NAMES) - set(RULE_FILES) - {"waivers"}:
        assert not any(isinstance(value, Rule) for value in vars(import_module(f"provisioner.lint.{name}")).values()), (
            name
        )


def test_ids_are_unique_and_sorted():
    ids = [rule.id for rule in rules()]
    assert ids == sorted(set(ids))
    assert len(ids) >= 25


def test_every_rule_can_be_read():
    for rule in rules():
        assert re.fullmatch(r"P[0-9]{3}", rule.id)
        assert rule.title[0].isupper() or rule.title.startswith("localhost")
        assert rule.reason.endswith(".")
        assert rule.fix[0].islower()
        assert not rule.fix.endswith(".")


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*/compose.y*ml")), ids=lambda file: file.parent.name)
def test_real_stacks_can_be_judged(file):
    """No rule stumbles over what people write, and every finding says where it stands."""
    playbook = bind(read(Sources((str(file),))))
    for finding in lint(playbook, read_files(playbook)):
        assert finding.span is not None, finding
        assert finding.span.line, finding


@pytest.mark.parametrize("service", ["", "service: shipper, "])
def test_a_waiver_of_a_service_that_no_active_profile_starts_is_not_called_useless(tmp_path, service):
    """`lint --fix` would remove it, and the mistake would be back with the profile."""
    file = tmp_path / "playbook.yml"
    waiver = f"{{rule: P001, {service}reason: the vendor publishes nothing else}}"
    text = f"services:\n  web: {{image: nginx:1.27}}\n  shipper: PLACE\nlint: {{ignore: [{waiver}]}}\n"

    def of_waivers(shipper: str, profiles: tuple[str, ...] = ()) -> list[str]:
        file.write_text(text.replace("PLACE", shipper), encoding="utf-8")
        found = lint(bind(read(Sources((str(file),), profiles=profiles))))
        return [finding.rule for finding in found if finding.rule in ("P001", "P901")]

    unpinned = "{profiles: [monitoring], image: shipper}"
    assert of_waivers(unpinned) == []
    assert of_waivers(unpinned, ("monitoring",)) == []
    assert of_waivers(unpinned.replace("shipper}", "shipper:1.2}"), ("monitoring",)) == ["P901"]
    assert of_waivers("{image: shipper:1.2}") == ["P901"]
