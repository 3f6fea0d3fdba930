"""What is imported means what the Compose files mean, and keeps their comments and order."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from provisioner.app.import_compose import Imported, import_compose
from provisioner.app.request import Request
from provisioner.document import Sources, canonical, read
from provisioner.errors import PlaybookInvalid, ProvisionError, UsageError

STACKS = Path(__file__).parents[2] / "corpus" / "awesome-compose"
NOWHERE = "unix:///nonexistent.sock"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    there = tmp_path / "shop"
    there.mkdir()
    monkeypatch.chdir(there)
    return there


def bring(
    *files: str,
    output: str | None = None,
    name: str | None = None,
    force: bool = False,
    shell: dict[str, str] | None = None,
    env_files: tuple[str, ...] = (),
) -> Imported:
    request = Request(files=files, directory=str(Path.cwd()), host=NOWHERE, shell=shell or {}, env_files=env_files)
    return import_compose(request, output=output, name=name, force=force)


@pytest.mark.parametrize("stack", sorted(STACKS.iterdir()), ids=lambda stack: stack.name)
def test_a_stack_means_the_same_afterwards(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / stack.name
    shutil.copytree(stack, here)
    monkeypatch.chdir(here)
    (file,) = [path.name for path in here.glob("compose.y*ml")]
    imported = bring(file)
    before = read(Sources((file,), profiles=("*",)))
    after = read(Sources(imported.files, profiles=("*",), in_playbooks=True, project_name=before.project))
    assert canonical(after) == canonical(before)
    assert imported.files == (f"playbooks/{before.name}/local.yml",)
    kept = [line.strip() for line in Path(file).read_text().splitlines() if line.strip().startswith("#")]
    text = Path(imported.files[0]).read_text()
    assert all(comment in text for comment in kept)


def test_what_changes_is_told_and_everything_else_stays(folder: Path) -> None:
    Path("compose.yaml").write_text(
        "# The shop.\n"
        'version: "3.8"\n'
        "\n"
        "x-logging: &logging {driver: json-file}  # everywhere\n"
        "services:\n"
        "  # before web\n"
        "  web:\n"
        "    build: .   # here\n"
        '    volumes: ["./conf:/etc/web:ro", data:/data, "${DATA:-./more}:/more", "${HOME}/x:/x"]\n'
        "    env_file: [web.env]\n"
        "    logging: *logging\n"
        "  api:\n"
        "    build:\n"
        "      target: dev\n"
        "    image: api:1\n"
        "volumes: {data: }\n"
    )
    Path("web.env").write_text("A=1\n")
    Path(".env").write_text("DATA=./from-env\n")
    imported = bring("compose.yaml", shell={"HOME": "/home/somebody"})
    assert Path("playbooks/shop/local.yml").read_text() == (
        "# The shop.\n"
        "name: shop\n"
        "env_files: [../../.env]\n"
        "\n"
        "x-logging: &logging {driver: json-file}  # everywhere\n"
        "services:\n"
        "  # before web\n"
        "  web:\n"
        "    build: ../..   # here\n"
        '    volumes: ["../../conf:/etc/web:ro", data:/data, "../../${DATA:-./more}:/more", "${HOME}/x:/x"]\n'
        "    env_file: [../../web.env]\n"
        "    logging: *logging\n"
        "  api:\n"
        "    build:\n"
        "      target: dev\n"
        "      context: ../..\n"
        "    image: api:1\n"
        "volumes: {data: }\n"
    )
    assert imported.changes == (
        "compose.yaml: 4 paths start from ../.., where they are",
        "compose.yaml: the build of api has its context, ../..",
        "compose.yaml: the name is shop, which Compose takes from elsewhere",
        "compose.yaml: variables come from ../../.env",
        "compose.yaml: `version:` is gone, nothing reads it",
    )
    assert "P202" not in {finding.rule for finding in imported.findings}


def test_several_files_are_a_base_and_what_lies_over_it(folder: Path) -> None:
    Path("compose.yaml").write_text("services:\n  web:\n    image: nginx:1\n    volumes: [./a:/a]\n")
    Path("compose.tls.yaml").write_text("services:\n  web:\n    ports: ['443:443'] # open\n")
    Path("compose.prod.yaml").write_text(
        "services:\n  web:\n    ports: !override ['8443:443']\n    env_file: prod.env\n"
    )
    Path("prod.env").write_text("A=1\n")
    imported = bring("compose.yaml", "compose.tls.yaml", "compose.prod.yaml", output="playbooks/shop/prod.yml")
    assert imported.files == ("playbooks/shop/base.yml", "playbooks/shop/base-tls.yml", "playbooks/shop/prod.yml")
    assert Path("playbooks/shop/base-tls.yml").read_text() == (
        "extends: base.yml\nservices:\n  web:\n    ports: ['443:443'] # open\n"
    )
    assert Path("playbooks/shop/prod.yml").read_text().startswith("extends: base-tls.yml\n")
    document = read(Sources((imported.files[-1],), in_playbooks=True))
    assert (document.name, document.environment) == ("shop", "prod")
    (port,) = document.root.get("services", "web", "ports").items  # type: ignore[union-attr]
    assert port.plain()["published"] == "8443"  # type: ignore[index, call-overload]
    assert imported.target == "shop/prod"


def test_flow_style_and_carriage_returns_survive(folder: Path) -> None:
    Path("compose.yaml").write_text('{"version": "3", "services": {"web": {"image": "nginx:1", "env_file": "a.env"}}}')
    Path("a.env").write_text("A=1\n")
    bring("compose.yaml", output="playbooks/flow.yml")
    assert Path("playbooks/flow.yml").read_text() == (
        '{name: shop, "services": {"web": {"image": "nginx:1", "env_file": "../a.env"}}}'
    )
    Path("compose.yaml").write_bytes(b"services:\r\n  web:\r\n    image: nginx:1\r\n")
    bring("compose.yaml", output="playbooks/dos.yml")
    assert Path("playbooks/dos.yml").read_bytes() == b"name: shop\r\nservices:\r\n  web:\r\n    image: nginx:1\r\n"


def test_a_name_that_is_asked_for_takes_the_place_of_another(folder: Path) -> None:
    Path("compose.yaml").write_text("name: My.Shop # ours\nservices: {web: {image: 'nginx:1'}}\n")
    bring("compose.yaml")
    assert Path("playbooks/myshop/local.yml").read_text().startswith("name: myshop # ours\n")
    bring("compose.yaml", name="store", output="playbooks/store/dev.yml")
    assert Path("playbooks/store/dev.yml").read_text().startswith("name: store # ours\n")


def test_a_playbook_that_is_there_is_not_replaced_unasked(folder: Path) -> None:
    Path("compose.yaml").write_text("services: {web: {image: 'nginx:1'}}\n")
    bring("compose.yaml")
    with pytest.raises(UsageError, match="is there already"):
        bring("compose.yaml")
    bring("compose.yaml", force=True)


def test_files_that_compose_would_not_take_are_refused_with_every_problem(folder: Path) -> None:
    Path("compose.yaml").write_text("services:\n  web: {imgae: nginx, ports: [x]}\n")
    with pytest.raises(PlaybookInvalid) as refused:
        bring("compose.yaml")
    assert len(refused.value.problems) == 2
    assert not Path("playbooks").exists()


def test_nothing_is_left_behind_when_the_meaning_would_change(folder: Path) -> None:
    Path("compose.yaml").write_text('services: {web: {image: "nginx:1", build: {context: "${WHERE}/x"}}}\n')
    bring("compose.yaml", shell={"WHERE": "web"})
    assert "../../${WHERE}/x" in Path("playbooks/shop/local.yml").read_text()
    # Nothing here has a context: it follows from the folder of the file that is applied, which is another one then.
    Path("common.yaml").write_text("services: {common: {build: {target: dev}}}\n")
    Path("compose.yaml").write_text("services: {web: {extends: {file: common.yaml, service: common}}}\n")
    before = Path("playbooks/shop/local.yml").read_bytes()
    with pytest.raises(ProvisionError, match=r"services\.web\.build\.context is different"):
        bring("compose.yaml", force=True)
    assert Path("playbooks/shop/local.yml").read_bytes() == before
    assert os.listdir("playbooks/shop") == ["local.yml"]  # noqa: PTH208


def test_env_files_of_the_command_line_are_named_in_the_playbook(folder: Path) -> None:
    Path("compose.yaml").write_text("services: {web: {image: 'nginx:${TAG}'}}\n")
    Path("my prod.env").write_text("TAG=1.27\n")
    imported = bring("compose.yaml", env_files=("my prod.env",))
    assert "env_files: ['../../my prod.env']\n" in Path(imported.files[0]).read_text()
    assert canonical(read(Sources(imported.files, in_playbooks=True)))["services"]["web"]["image"] == "nginx:1.27"  # type: ignore[index, call-overload]


_ANCHORED = """
x-app: &app
  image: app:1
  volumes: ["./data:/data"]
  env_file: [app.env]
x-build: &build {context: ./src, dockerfile: ./Dockerfile.prod}
services:
  web:
    <<: *app
    x-note: [./not, a, path]
  worker:
    <<: *app
    build: *build
    environment: {x-header: "1"}
"""


def test_paths_in_anchored_blocks_move_for_those_who_take_them(folder: Path) -> None:
    Path("compose.yaml").write_text(_ANCHORED)
    Path("app.env").write_text("A=1\n")
    imported = bring("compose.yaml")
    before = canonical(read(Sources(("compose.yaml",))))["services"]
    after = canonical(read(Sources(imported.files, in_playbooks=True)))["services"]
    for service in ("web", "worker"):
        for key in ("volumes", "environment", "build"):
            assert after[service].get(key) == before[service].get(key)  # type: ignore[index, call-overload, union-attr]
    assert "x-app: &app" in Path(imported.files[0]).read_text()


def test_one_path_is_told_as_one(folder: Path) -> None:
    Path("compose.yaml").write_text("name: shop\nservices: {a: {image: x, volumes: ['./d:/d']}}\n")
    assert bring("compose.yaml").changes == ("compose.yaml: 1 path starts from ../.., where it is",)


def test_services_that_exclude_each_other_are_imported_and_told(folder: Path) -> None:
    Path("compose.yaml").write_text(
        "services:\n"
        "  pg: {image: 'postgres:16', ports: ['5432:5432']}\n"
        "  my: {image: 'mysql:8', ports: ['5432:5432']}\n"
    )
    imported = bring("compose.yaml")
    assert Path(imported.files[0]).is_file()
    told = [finding.message for finding in imported.findings if finding.rule == "P801"]
    assert len(told) == 1
    assert told[0].startswith("host port 5432/tcp is also published by service 'pg'")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: {a: {image: x, job: {run: sometimes}}}\n", "job"),
        ("services: {a: {image: x}}\nlint: {ignore: [{rule: P001, reason: ' '}]}\n", "reason: expected text that says"),
        ("services: {a: {image: x}}\nengine: {host: 'ssh://a', context: b}\n", "names a context and a host"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(folder: Path, text: str, says: str) -> None:
    Path("compose.yaml").write_text(text)
    with pytest.raises(PlaybookInvalid, match=says):
        bring("compose.yaml")
    assert [path.name for path in folder.rglob("*")] == ["compose.yaml"]
    # What stood there before stands there again.
    Path("playbooks/shop").mkdir(parents=True)
    Path("playbooks/shop/local.yml").write_text("services: {}\n")
    with pytest.raises(PlaybookInvalid):
        bring("compose.yaml", force=True)
    assert Path("playbooks/shop/local.yml").read_text() == "services: {}\n"
