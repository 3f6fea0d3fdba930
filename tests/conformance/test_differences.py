"""What docs/differences.md says of this side: each line of its tables, tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.document import Sources, canonical, read
from provisioner.errors import PlaybookInvalid

if TYPE_CHECKING:
    from pathlib import Path

TAKEN = {
    "a secret from the tiers": "services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {}}\n",
    "not required and not there": (
        "services: {a: {image: x, depends_on: {b: {condition: service_started, required: false}}}}\n"
    ),
    "an item twice": "services: {a: {image: x, depends_on: [b, b]}, b: {image: x}}\n",
    "a key with a path": "services: {a: {build: {context: ., ssh: [default, 'other=/key']}}}\n",
    "a number that can only be text": "services: {a: {image: x, cpu_percent: 50}}\n",
    "an option that is true": "services: {a: {image: x, logging: {options: {compress: true}}}}\n",
    "a mode as Python writes it": "services: {a: {image: x, configs: [{source: c, mode: '0o440'}]}}\n"
    "configs: {c: {content: x}}\n",
}
REFUSED = {
    "protocol": ("services: {a: {image: x, ports: [{target: 80, protocol: https}]}}\n", "expected one of tcp, udp"),
    "capitals": ("services: {a: {image: x, ports: [{target: 80, protocol: TCP}]}}\n", "expected one of tcp, udp"),
    "target": ("services: {a: {image: x, ports: [{target: 0}]}}\n", "expected a port from 1"),
    "published": ("services: {a: {image: x, ports: [{target: 80, published: 'host:80'}]}}\n", "expected a port"),
    "expose": ("services: {a: {image: x, expose: ['']}}\n", "expected a port"),
    "restart": ("services: {a: {image: x, restart: sometimes}}\n", "expected one of no, always"),
    "restart policy": (
        "services: {a: {image: x, deploy: {restart_policy: {condition: sometimes}}}}\n",
        "expected one of none",
    ),
    "limit": ("services: {a: {image: x, ulimits: {NOFILE: 1}}}\n", "use small letters"),
    "tag": ("services: {a: {image: !custom x}}\n", "the tag !custom is not allowed"),
    "infinite": ("services: {a: {image: x, environment: {A: .inf}}}\n", "a number that is finite"),
    "documents": ("services: {a: {image: x}}\n---\nservices: {b: {image: x}}\n", "a second document"),
    "built upon none": (
        "services: {a: {build: {context: ., additional_contexts: {base: 'service:b'}}}}\n",
        "no service 'b' is declared",
    ),
    "remote include": ("include: ['oci://registry/app']\nservices: {a: {image: x}}\n", "is no path"),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder / "compose.yaml"


def document(file: Path, text: str) -> Any:
    file.write_text(text)
    return canonical(read(Sources((file.name,))))


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_what_is_taken_here(file: Path, text: str) -> None:
    assert "a" in document(file, text)["services"]


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_here(file: Path, text: str, message: str) -> None:
    with pytest.raises(PlaybookInvalid, match=message):
        document(file, text)


def test_mounts_and_platforms_that_are_printed_otherwise(file: Path) -> None:
    tree = document(
        file,
        "services: {a: {image: x, volumes: ['/a:/b:nocopy', '~user/a:/c'], "
        "build: {context: ., platforms: [linux/amd64, linux/amd64]}}}\n",
    )
    service = tree["services"]["a"]
    assert [(mount["source"], "volume" in mount) for mount in service["volumes"]] == [
        ("/a", False),
        (f"{file.parent}/~user/a", False),
    ]
    assert service["build"]["platforms"] == ["linux/amd64"]


def test_a_key_with_nothing_after_it(file: Path) -> None:
    file.write_text("services: {a: {image: x, healthcheck: {test: y}, ulimits: {nofile: 1}}}\n")
    over = file.with_name("over.yaml")
    over.write_text("services: {a: {logging: {driver: }, healthcheck: {test: }, ulimits: {nofile: }}}\n")
    with pytest.raises(PlaybookInvalid, match="expected text, found nothing"):
        read(Sources((file.name, over.name)))
    over.write_text("services: {a: {healthcheck: {test: }, ulimits: {nofile: }}}\n")
    service = canonical(read(Sources((file.name, over.name))))["services"]["a"]  # type: ignore[index, call-overload]
    assert service["healthcheck"] == {"test": ["CMD-SHELL", "y"]}
    assert service["ulimits"] == {"nofile": 1}


def test_a_name_is_reset_over_a_list(file: Path) -> None:
    file.write_text("services: {a: {image: x, environment: [A=1, B=2], networks: [n, m]}}\nnetworks: {n: , m: }\n")
    over = file.with_name("over.yaml")
    over.write_text("services: {a: {environment: {A: !reset null}, networks: {n: !reset null}}}\n")
    service = canonical(read(Sources((file.name, over.name))))["services"]["a"]  # type: ignore[index, call-overload]
    assert service["environment"] == {"B": "2"}
    assert service["networks"] == {"m": None}


def test_what_is_printed_otherwise(file: Path) -> None:
    tree = document(
        file,
        "services: {a: {image: x, mem_swappiness: 0, models: [m], networks: [n]}, b: {build: {context: '${UNSET}'}}}\n"
        "models: {m: {model: small}}\n"
        "networks: {n: {name: '${UNSET}', ipam: {options: {a: b}}}}\n",
    )
    assert tree["models"] == {"m": {"model": "small"}}
    assert tree["services"]["a"]["mem_swappiness"] == "0"
    assert tree["networks"]["n"] == {"name": "shop_n", "ipam": {"options": {"a": "b"}}}
    assert tree["services"]["b"]["build"]["context"] == str(file.parent)
