"""P704: a config that no service uses."""

from __future__ import annotations

from provisioner.lint.unused import unused_rule

RULE = unused_rule("P704", "config", "configs")
