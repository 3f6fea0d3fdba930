"""P702: a network that no service uses."""

from __future__ import annotations

from provisioner.lint.unused import unused_rule

RULE = unused_rule("P702", "network", "networks")
