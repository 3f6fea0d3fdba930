"""`adopt --release` of what an apply has begun to replace, and was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.errors import Unsafe
from provisioner.kinds.ownership import NEXT, PREVIOUS, ownership_labels
from provisioner.ledger.adoptions import read_adoptions
from provisioner.model.address import Address
from tests.unit.app.in_memory import service
from tests.unit.app.test_adopt import SHOP, brought_up, let_go, run, standing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.app.in_memory import InMemory

DB = "shop-db-1"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    found = brought_up(SHOP, tmp_path, monkeypatch)
    run(found)
    return found


def begin_to_replace(shop: InMemory, adopted: str, new: str) -> None:
    """What an apply that was killed leaves: the names that the adopted container and its replacement have then."""
    labels = ownership_labels("shop", Address("service", "db", 1), DB)
    made = shop.engine.create("container", f"{DB}{NEXT}", {"Image": "app:1", "Labels": labels})
    for identity, name in ((_id(shop, DB), adopted), (made, new)):
        if shop.engine.state()["containers"][identity]["Name"] != f"/{name}":
            shop.engine.rename(identity, name)


def _id(shop: InMemory, name: str) -> str:
    return next(raw["Id"] for raw in shop.engine.state()["containers"].values() if raw["Name"] == f"/{name}")


@pytest.mark.parametrize("addresses", [(), ("service.db",), ("service.db[1]",)])
@pytest.mark.parametrize(
    ("adopted", "new", "told"),
    [
        (DB, f"{DB}{NEXT}", f"{DB}{NEXT}"),
        (f"{DB}{PREVIOUS}", f"{DB}{NEXT}", f"{DB}{NEXT}, {DB}{PREVIOUS}"),
        (f"{DB}{PREVIOUS}", DB, f"{DB}{PREVIOUS}"),
    ],
)
def test_what_is_half_replaced_is_not_released(
    shop: InMemory, adopted: str, new: str, told: str, addresses: tuple[str, ...]
) -> None:
    begin_to_replace(shop, adopted, new)
    before, known = standing(shop), read_adoptions(shop.engine, "shop")
    with pytest.raises(Unsafe) as refused:
        let_go(shop, *addresses)
    assert refused.value.exit_code == 1
    assert refused.value.message == (
        f"an apply that was interrupted has begun to replace what would be released: service.db[1] ({told})"
    )
    assert refused.value.hint == "nothing was released; finish that with `provision apply` first"
    assert (standing(shop), read_adoptions(shop.engine, "shop")) == (before, known)
    # What is said to help does.
    changed = {**SHOP["services"], "db": service(volumes=["data:/data"], environment={"A": "2"})}
    shop.write({**SHOP, "services": changed})
    assert shop.apply().exit_code == 0
    assert {name for name in shop.containers if name.startswith(DB)} == {DB}
    assert let_go(shop) == 5


def test_what_is_not_replaced_is_released_all_the_same(shop: InMemory) -> None:
    """Another service is half replaced; and a stranger has such a name."""
    begin_to_replace(shop, f"{DB}{PREVIOUS}", f"{DB}{NEXT}")
    shop.engine.create("container", f"shop-web-1{NEXT}", {"Image": "app:1", "Labels": {}})
    assert let_go(shop, "service.web") == 2
