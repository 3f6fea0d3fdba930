"""How long it takes to adopt many services, beside a plan of them: `python benchmarks/adoption.py [--services 200]`.

Everything is asked of an engine in memory, so that what is measured is provision itself (seconds of processor time).
An adoption looks at everything before it asks, sees under the lease that all is as it was, and writes once to the
ledger. Where a person is asked, each container is inspected again, so that a change meanwhile is seen.
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

from provisioner.app.adopt import look
from provisioner.app.adopt_plan import AdoptionChoice
from provisioner.ledger.adoptions import record_adoptions, with_adoptions
from tests.unit.app.in_memory import service
from tests.unit.app.test_adopt import brought_up, let_go, run

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
    services = {f"s{i:03}": service() for i in range(count)}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        shop = brought_up({"name": "shop", "services": services}, Path(folder), patch)
        # What is imported is imported once.
        look(shop.request(), AdoptionChoice())
        took, adopted = measured(lambda: run(shop, asks=False))
        assert adopted.done
        plan, planned = measured(shop.plan)
        assert not planned.changes
        writer, records = with_adoptions(shop.engine), adopted.plan.adopts
        write, _ = measured(lambda: record_adoptions(writer, "shop", "containers", records))
        let_go(shop)
        asking, _ = measured(lambda: run(shop))
    sys.stdout.write(
        f"{len(records)} objects of {count} services: adopt {took:.2f} s, after a question {asking:.2f} s; "
    )
    sys.stdout.write(f"plan {plan:.2f} s, one write {write:.3f} s\n")


if __name__ == "__main__":
    main()
