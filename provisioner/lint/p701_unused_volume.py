"""P701: a volume that no service uses."""

from __future__ import annotations

from provisioner.lint.unused import unused_rule

RULE = unused_rule("P701", "volume", "volumes")
