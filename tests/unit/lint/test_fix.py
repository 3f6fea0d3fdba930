"""`lint --fix`: afterwards the rule holds, the playbook reads, and every comment is where it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provisioner.app.lint import fix
from provisioner.app.request import Request
from provisioner.document import Sources, canonical, read
from provisioner.lint.facts import read_files
from provisioner.lint.fix import fixable
from provisioner.playbook.bind import bind

CASES = Path(__file__).parents[2] / "cases" / "lint"
FIXABLE = ("P101", "P107", "P201", "P206", "P304", "P503", "P601", "P701", "P702", "P703", "P704", "P901")


def request_for(*files: str) -> Request:
    return Request(files=files, directory=str(Path.cwd()), host="ftp://no-engine")


@pytest.fixture
def playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "playbook.yml"


@pytest.mark.parametrize("rule", FIXABLE)
def test_the_bad_playbook_of_a_rule_is_mended(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(CASES / rule, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    before = Path("bad.yml").read_text()
    mended = fix(request_for("bad.yml"))
    assert [finding.rule for finding in mended.done].count(rule) >= 1
    assert rule not in {finding.rule for finding in mended.findings} - {finding.rule for finding, _ in mended.left}
    assert [why for finding, why in mended.left if finding.rule == rule] == []
    read(Sources(("bad.yml",)))
    comments = [line[line.index("#") :] for line in before.splitlines() if "#" in line]
    assert [comment for comment in comments if comment not in Path("bad.yml").read_text()] == []


@pytest.mark.parametrize("folder", sorted(CASES.iterdir()), ids=lambda folder: folder.name)
def test_only_rules_that_say_so_are_mended(folder: Path) -> None:
    playbook = bind(read(Sources((str(folder / "bad.yml"),))))
    assert {item.finding.rule for item in fixable(playbook, read_files(playbook))} <= set(FIXABLE)


def test_all_at_once_in_place(playbook: Path) -> None:
    playbook.write_text(
        "name: shop\n"
        "environment: prod\n"
        "services:\n"
        "  api:  # the interface\n"
        "    image: shop/api:1\n"
        "    environment:\n"
        '      DATABASE_URL: "postgres://app@localhost:5432/app"  # the store\n'
        "      CACHE: cache:16379\n"
        "    depends_on:\n"
        "      - db  # first\n"
        "      - cache\n"
        "      - migrate\n"
        "    logging: {driver: json-file, options: {max-file: 5}}\n"
        "  worker:\n"
        "    image: shop/worker:1\n"
        '    restart: "no"  # for now\n'
        "    depends_on: [db, cache]\n"
        "  migrate:\n"
        "    image: shop/api:1\n"
        "    job: {run: on_change}\n"
        "    depends_on:\n"
        "      db: {condition: service_started}\n"
        "  db:\n"
        "    image: postgres:16.4\n"
        "    restart: always\n"
        "    volumes: ['data:/var/lib/postgresql/data']\n"
        "    healthcheck: {test: pg_isready}\n"
        "  cache:\n"
        "    image: redis:7.2\n"
        "    restart: always\n"
        "    ports: ['127.0.0.1:16379:6379']\n"
        "volumes:\n"
        "  data:  # precious\n"
        "  old: {driver: local}  # nobody knows\n"
        "networks:\n"
        "  unused: {}\n"
        "# the end\n"
    )
    mended = fix(request_for("playbook.yml"))
    assert playbook.read_text() == (
        "name: shop\n"
        "environment: prod\n"
        "services:\n"
        "  api:  # the interface\n"
        "    image: shop/api:1\n"
        "    environment:\n"
        '      DATABASE_URL: "postgres://app@db:5432/app"  # the store\n'
        "      CACHE: cache:6379\n"
        "    depends_on:\n"
        "      db: {condition: service_healthy}  # first\n"
        "      cache: {condition: service_started}\n"
        "      migrate: {condition: service_completed_successfully}\n"
        "    logging: {driver: json-file, options: {max-file: 5, max-size: 10m}}\n"
        "    restart: unless-stopped\n"
        "  worker:\n"
        "    image: shop/worker:1\n"
        "    restart: unless-stopped  # for now\n"
        "    depends_on: {db: {condition: service_healthy}, cache: {condition: service_started}}\n"
        "  migrate:\n"
        "    image: shop/api:1\n"
        "    job: {run: on_change}\n"
        "    depends_on:\n"
        "      db: {condition: service_healthy}\n"
        "  db:\n"
        "    image: postgres:16.4\n"
        "    restart: always\n"
        "    volumes: ['data:/var/lib/postgresql/data']\n"
        "    healthcheck: {test: pg_isready}\n"
        "  cache:\n"
        "    image: redis:7.2\n"
        "    restart: always\n"
        "    ports: ['127.0.0.1:16379:6379']\n"
        "volumes:\n"
        "  data: {protect: true}  # precious\n"
        "# the end\n"
    )
    assert mended.left == ()
    assert {finding.rule for finding in mended.findings}.isdisjoint(FIXABLE)
    assert fix(request_for("playbook.yml")).files == ()


def test_each_finding_is_mended_in_the_file_that_it_stands_in(playbook: Path) -> None:
    Path("base.yml").write_text(
        "services:\n  api: {image: 'a:1', depends_on: [db]}\n  db: {image: 'b:1', healthcheck: {test: x}}\n"
    )
    playbook.write_text("extends: base.yml\nvolumes: {old: {}}\nservices: {api: {read_only: true}}\n")
    mended = fix(request_for("playbook.yml"))
    assert mended.files == ("base.yml", "playbook.yml")
    assert Path("base.yml").read_text().splitlines()[1] == (
        "  api: {image: 'a:1', depends_on: {db: {condition: service_healthy}}}"
    )
    assert playbook.read_text() == "extends: base.yml\nservices: {api: {read_only: true}}\n"


def test_what_is_shared_through_an_anchor_is_left_to_people(playbook: Path) -> None:
    playbook.write_text(
        "environment: prod\n"
        "x-log: &log {driver: json-file}\n"
        "services:\n"
        "  api: {image: 'a:1', restart: always, logging: *log}\n"
    )
    before = playbook.read_text()
    mended = fix(request_for("playbook.yml"))
    assert playbook.read_text() == before
    assert [(finding.rule, why) for finding, why in mended.left] == [
        ("P503", "there is no mapping of its own for 'options'")
    ]


def test_a_waiver_that_is_of_no_use_goes_and_its_neighbour_stays(playbook: Path) -> None:
    playbook.write_text(
        "services:\n  api: {image: api}\n"
        "lint:\n"
        "  ignore:\n"
        "    - {rule: P004, reason: gone}\n"
        "    # the vendor's\n"
        "    - rule: P001\n"
        "      reason: vendor image\n"
    )
    fix(request_for("playbook.yml"))
    assert playbook.read_text() == (
        "services:\n  api: {image: api}\n"
        "lint:\n"
        "  ignore:\n"
        "    # the vendor's\n"
        "    - rule: P001\n"
        "      reason: vendor image\n"
    )


def test_mending_changes_nothing_but_what_was_found(playbook: Path) -> None:
    playbook.write_text(
        "services:\n"
        "  web: {image: 'web:1', environment: ['API=http://localhost:9000', 'HERE=http://localhost:8080']}\n"
        "  api: {image: 'api:1', expose: [9000]}\n"
    )
    before = canonical(read(Sources(("playbook.yml",))))
    fix(request_for("playbook.yml"))
    after = canonical(read(Sources(("playbook.yml",))))
    before["services"]["web"]["environment"]["API"] = "http://api:9000"  # type: ignore[index, call-overload]
    assert after == before
