"""What is exported is a plain Compose file that means what the playbook means, as far as Compose has words for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.app.export import Exported, as_compose, export
from provisioner.app.request import Request
from provisioner.document import Sources, canonical, read

ROOT = Path(__file__).parents[2]
STACKS = ROOT / "corpus" / "awesome-compose"
CASES = ROOT / "cases" / "documents"
HOME = {"HOME": "/home/somebody"}
OWN = ("verify", "lint", "engine", "job", "protect", "backup", "generate", "template", "aws")


def exported(*files: str, output: str | None = None, in_playbooks: bool = False) -> Exported:
    request = Request(files=files, directory=str(Path.cwd()), in_playbooks=in_playbooks, shell=HOME)
    return export(request, output=output)


def plain(*files: str, **more: Any) -> Any:
    return canonical(read(Sources(files, environment=HOME, profiles=("*",), **more)))


def keys(tree: Any) -> set[str]:
    if isinstance(tree, dict):
        return set(tree) | {key for item in tree.values() for key in keys(item)}
    return {key for item in tree for key in keys(item)} if isinstance(tree, list) else set()


@pytest.mark.parametrize("stack", sorted(STACKS.iterdir()), ids=lambda stack: stack.name)
def test_a_stack_comes_back_as_it_was(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stack)
    (file,) = [path.name for path in stack.glob("compose.y*ml")]
    output = str(tmp_path / "out.yaml")
    told = exported(file, output=output)
    assert told.notes == ()
    assert plain(output) == plain(file)


@pytest.mark.parametrize(
    "case",
    [
        "anchors-and-merge-keys",
        "as-lenient-as-compose",
        "bound-volume-and-watch",
        "external-and-named",
        "implied",
        "include",
        "quantities",
        "short-and-long-forms",
    ],
)
def test_every_form_comes_back_as_it_was(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / case)
    output = str(tmp_path / "out.yaml")
    exported("input.yml", output=output)
    assert plain(output) == plain("input.yml")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "playbooks" / "shop"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    (folder / "prod.yml").write_text(
        "engine: {context: prod-1}\n"
        "services:\n"
        "  api:\n"
        "    build: ../../api\n"
        "    update: {order: start-first, on_failure: rollback}\n"
        "    environment: {TOKEN: {secret: token}, PRICE: '5$$'}\n"
        "    secrets: [jwt, database_url, certificate]\n"
        "    depends_on: {migrate: {condition: service_completed_successfully}}\n"
        "    volumes: ['data:/data', './conf:/conf:ro']\n"
        "  migrate: {image: 'api:1', job: {run: once}}\n"
        "  db: {image: 'postgres:16.4', backup: {command: [pg_dump]}}\n"
        "  debug: {image: 'busybox:1.36', profiles: [debug]}\n"
        "volumes: {data: {protect: true}}\n"
        "secrets:\n"
        "  jwt: {generate: {length: 32}}\n"
        "  token: {allow_env: true, env: API_TOKEN}\n"
        "  password: {aws: shop/db#password}\n"
        "  database_url: {template: 'postgres://app:${secret:password}@db/app'}\n"
        "  certificate: {file: ./certificate.pem}\n"
        "verify: [{name: it answers, http: {url: 'http://localhost'}}]\n"
    )
    return "playbooks/shop/prod.yml"


def test_what_compose_has_no_word_for_is_translated_and_told(shop: str) -> None:
    told = exported(shop, output="compose.yaml", in_playbooks=True)
    tree = plain("compose.yaml", overrides={"API_TOKEN": "x"})
    assert keys(tree).isdisjoint(OWN)
    assert tree["name"] == "shop-prod"
    api = tree["services"]["api"]
    assert api["deploy"]["update_config"] == {"order": "start-first", "failure_action": "rollback"}
    assert api["environment"] == {"TOKEN": "x", "PRICE": "5$$"}
    assert tree["services"]["migrate"]["restart"] == "no"
    assert tree["services"]["debug"]["profiles"] == ["debug"]
    assert tree["volumes"]["data"] == {"name": "shop-prod_data"}
    here = str(Path.cwd())
    assert tree["secrets"] == {
        "jwt": {"name": "shop-prod_jwt", "file": f"{here}/secrets/jwt"},
        "database_url": {"name": "shop-prod_database_url", "file": f"{here}/secrets/database_url"},
        "certificate": {"name": "shop-prod_certificate", "file": f"{here}/playbooks/shop/certificate.pem"},
    }
    assert told.notes == (
        "the engine is not named in a Compose file: docker --context prod-1 compose up",
        "`verify` is left out: Compose has no word for it",
        "service api takes TOKEN from the variable API_TOKEN: it holds the secret token",
        "service migrate runs at every `docker compose up`, not only once",
        "the backup of service db is left out",
        "volume data is not protected from `docker compose down --volumes`",
        "secret jwt: put it into ./secrets/jwt; any random text will do",
        "secret database_url: put it into ./secrets/database_url; it is built as postgres://app:<password>@db/app",
    )


def test_the_file_says_what_has_to_be_provided_and_keeps_its_paths_relative(shop: str) -> None:
    text = exported(shop, output="out/compose.yaml", in_playbooks=True).text
    assert Path("out/compose.yaml").read_text() == text
    assert text.startswith("# Made from the playbook shop/prod by provision export; variables are filled in.\n")
    assert (
        "  # secret jwt: put it into ./secrets/jwt; any random text will do\n  jwt:\n    file: ./secrets/jwt\n" in text
    )
    assert "context: ../api\n" in text
    assert "source: ../playbooks/shop/conf\n" in text
    assert str(Path.cwd()) not in text


def test_reading_it_again_changes_nothing_more(shop: str) -> None:
    exported(shop, output="compose.yaml", in_playbooks=True)
    sources = Sources((shop,), environment=HOME, profiles=("*",), in_playbooks=True)
    wanted = as_compose(canonical(read(sources)), swarm=False, notes=[])
    found = plain("compose.yaml", overrides={"API_TOKEN": "x"})
    for tree in (wanted, found):
        tree["services"]["api"]["environment"].pop("TOKEN")
        for secret in tree["secrets"].values():
            secret["file"] = Path(secret["file"]).name
    assert found == wanted


def test_on_swarm_secrets_are_the_swarms(shop: str) -> None:
    Path(shop).write_text("engine: {mode: swarm}\n" + "\n".join(Path(shop).read_text().splitlines()[1:]))
    told = exported(shop, output="stack.yaml", in_playbooks=True)
    tree = plain("stack.yaml", overrides={"API_TOKEN": "x"})
    assert tree["secrets"]["jwt"] == {"name": "shop-prod_jwt", "external": True}
    assert "secret jwt: create it with: docker secret create shop-prod_jwt -; any random text will do" in told.notes


def test_a_template_of_several_lines_is_told_on_one_that_keeps_them(shop: str) -> None:
    text = Path(shop).read_text()
    several = text.replace(
        "'postgres://app:${secret:password}@db/app'", '"requirepass ${secret:password}\\nappendonly yes\\n"'
    )
    Path(shop).write_text(several)
    told = exported(shop, output="compose.yaml", in_playbooks=True)
    built = '"requirepass <password>\\nappendonly yes\\n", where \\n begins a new line'
    assert f"secret database_url: put it into ./secrets/database_url; it is built as {built}" in told.notes


@pytest.mark.parametrize(("mode", "said"), [("containers", True), ("swarm", False)])
def test_who_may_read_a_file_is_told_where_compose_does_not_do_it(shop: str, mode: str, said: bool) -> None:
    text = Path(shop).read_text().replace("engine: {context: prod-1}", f"engine: {{mode: {mode}}}")
    owned = text.replace("secrets: [jwt,", "secrets: [{source: jwt, uid: '10001', mode: 0400},")
    for written, expected in ((text, False), (owned, said)):
        Path(shop).write_text(written)
        notes = exported(shop, output="compose.yaml", in_playbooks=True).notes
        assert any("chmod 644 secrets/*" in note for note in notes) == expected, notes
