"""A difference is told with the place of the very key that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.document import Sources, read
from provisioner.kinds import container
from provisioner.kinds.compare import compare
from provisioner.kinds.context import ParseContext
from provisioner.model.positions import Positions

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.span import Span

CONTEXT = ParseContext(service="web", image="nginx")
FILE = """\
name: shop
services:
  web:
    image: nginx
    environment:
      FIRST: "1"
      LOG_LEVEL: debug
    labels:
      - com.example.first=1
      - com.example.first.more=2
    volumes:
      - ./a:/data
      - ./b:/data/below
    ports:
      - 80:80
      - 8443:443
    deploy:
      resources:
        limits:
          memory: 64m
          cpus: "0.5"
      restart_policy:
        condition: any
    networks:
      default:
        aliases: [shop]
"""


def positions(folder: Path) -> tuple[Positions, dict[str, Span | None]]:
    """Of the file above, and for each difference from a container without all of it where it is declared."""
    path = folder / "compose.yaml"
    path.write_text(FILE)
    body = read(Sources(files=(str(path),), environment={})).root.get("services", "web")
    assert body is not None
    plain, spans = body.plain(), Positions(body)
    assert isinstance(plain, dict)
    wanted = container.parse(plain, CONTEXT)
    other = container.parse({"image": "nginx", "networks": {"default": None}}, CONTEXT)
    return spans, {one.path: one.span for one in compare(container.FIELDS, wanted, other, spans)}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("environment.LOG_LEVEL", 7),
        ("environment.FIRST", 6),
        ("labels.com.example.first", 9),
        ("labels.com.example.first.more", 10),
        ("volumes./data", 12),
        ("volumes./data/below", 13),
        ("ports.80/tcp", 15),
        ("ports.443/tcp", 16),
        ("mem_limit", 20),
        ("cpus", 21),
        ("restart", 22),
        ("networks.default.aliases", 26),
    ],
)
def test_each_part_has_its_own_place(path: str, line: int, tmp_path: Path) -> None:
    _, found = positions(tmp_path)
    span = found[path]
    assert span is not None
    assert span.line == line


def test_what_is_not_declared_has_the_place_of_what_is_around_it(tmp_path: Path) -> None:
    spans, _ = positions(tmp_path)
    around = spans.get("environment.GONE")
    assert around is not None
    assert around.line == 5
    assert spans.get("mem_limit") is None
