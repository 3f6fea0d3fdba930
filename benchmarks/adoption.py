"""How long it takes to adopt many services, beside a plan of them: `python benchmarks/adoption.py [--services 200]`.

Everything is asked of an engine in memory, so that what is measured is provision itself (seconds of processor time).
An adoption looks at everything before it asks and again under the lease, and writes once to the ledger.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from provisioner.app import adopt as adopt_module
from provisioner.ledger.adoptions import with_adoptions
from tests.unit.app.in_memory import in_memory, service
from tests.unit.app.test_adopt import made_by_compose, run

if TYPE_CHECKING:
    from collections.abc import Callable


def measured(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time that a call takes, and what it gives."""
    start = time.process_time()
    answer = call()
    return time.process_time() - start, answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=200)
    count = parser.parse_args().services
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        shop = in_memory(Path(folder), patch)
        patch.setattr(adopt_module, "open_engine", lambda request, choice: with_adoptions(shop.engine))
        shop.write({"name": "shop", "services": {f"s{i:03}": service() for i in range(count)}})
        shop.apply()
        made_by_compose(shop)
        adoption, adopted = measured(lambda: run(shop))
        plan, planned = measured(shop.plan)
        assert adopted.done
        assert not planned.changes
    line = f"{len(adopted.plan.adopts)} objects of {count} services: adopt {adoption:.2f} s, plan {plan:.2f} s\n"
    sys.stdout.write(line)


if __name__ == "__main__":
    main()
