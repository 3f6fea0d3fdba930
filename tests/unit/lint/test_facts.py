from __future__ import annotations

import os

from provisioner.document import Sources, read
from provisioner.lint.facts import read_engine, read_files
from provisioner.lint.rule import LintFacts
from provisioner.playbook.bind import bind

PLAYBOOK = """
name: shop
services:
  db:
    image: postgres:16
    volumes: [data:/var/lib/postgresql/data, ./sql:/docker-entrypoint-initdb.d, ./gone.conf:/etc/gone.conf]
  api:
    build: ./api
volumes: {data: {}}
networks: {default: {}}
"""


class Engine:
    """As much of an engine as lint looks at."""

    def inspect(self, kind, name):
        return {
            ("volume", "shop_data"): {"CreatedAt": "2026-01-02T03:04:05.123456789Z"},
            ("image", "postgres:16"): {
                "Id": "sha256:1",
                "Config": {"User": "postgres", "Healthcheck": {"Test": ["CMD", "true"]}, "Volumes": {"/data": {}}},
            },
        }.get((kind, name))

    def list(self, kind, labels):
        return [
            {"Name": "shop_default", "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}]}},
            {"Name": "other", "IPAM": {"Config": [{"Subnet": "172.19.0.0/16"}, {"Subnet": "fd00::/64"}]}},
            {"Name": "host", "IPAM": {"Config": None}},
        ]


def shop(folder):
    (folder / "compose.yaml").write_text(PLAYBOOK)
    (folder / "sql").mkdir()
    (folder / "sql" / "a.sql").write_text("select 1;")
    (folder / "api").mkdir()
    (folder / "api" / "Dockerfile").write_text("FROM python:3.12-slim\nUSER app\n")
    os.utime(folder / "sql" / "a.sql", (2_000_000_000, 2_000_000_000))
    return bind(read(Sources((str(folder / "compose.yaml"),))))


def test_files_tell_their_times_and_dockerfiles_their_user(tmp_path):
    facts = read_files(shop(tmp_path))
    assert facts.modified == {str(tmp_path / "gone.conf"): None, str(tmp_path / "sql"): 2_000_000_000}
    assert facts.dockerfiles["api"].user == "app"
    assert facts.dockerfiles["api"].bases == (("python:3.12-slim", 1),)


def test_an_engine_tells_volumes_subnets_and_images(tmp_path):
    facts = read_engine(shop(tmp_path), Engine(), LintFacts(modified={"kept": 1.0}))
    assert facts.volumes == {"shop_data": 1767323045.123456}
    assert facts.subnets == {"other": ("172.19.0.0/16", "fd00::/64"), "host": ()}
    assert facts.images["db"].user == "postgres"
    assert facts.images["db"].healthcheck == {"Test": ["CMD", "true"]}
    assert facts.images["db"].volumes == ("/data",)
    assert facts.modified == {"kept": 1.0}


def test_a_link_that_points_nowhere_leaves_its_folder_there(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "dangling").symlink_to("nowhere")
    (folder / "file").write_text("x")
    os.utime(folder / "file", (2_000_000_000, 2_000_000_000))
    file = tmp_path / "compose.yaml"
    file.write_text("services: {a: {image: 'x:1', volumes: ['./data:/d', './gone:/g']}}\n")
    known = read_files(bind(read(Sources((str(file),)))))
    assert known.modified == {str(folder): 2_000_000_000, str(tmp_path / "gone"): None}
