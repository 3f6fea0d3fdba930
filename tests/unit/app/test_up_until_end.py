"""`up` that stays: whatever ends its look at what has ended is told, and is no success."""

from __future__ import annotations

import threading
from typing import Any

from provisioner.app.up_until_end import UntilEnd, _Watch


class Broken:
    """What has ended, on an engine that gives what nobody expects."""

    def new(self) -> dict[str, Any]:
        raise KeyError("State")


def test_a_defect_in_the_look_is_no_success() -> None:
    broken: Any = Broken()
    interrupt: Any = threading.Event()
    watch = _Watch(broken, UntilEnd(), lambda: None, lambda text: None, interrupt)
    watch.start()
    watch.join()
    assert watch.is_over()
    assert isinstance(watch.error, KeyError)
