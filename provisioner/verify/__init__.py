"""Acceptance checks: one file per kind of check, each with one constant CHECK. Knows the ports, no engine."""
