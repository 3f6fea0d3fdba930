"""`schema`: the language for editors, with what the engines make of each key."""

from __future__ import annotations

from provisioner.render.reference import playbook_schema

__all__ = ["playbook_schema"]
