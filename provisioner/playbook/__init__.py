"""From the canonical document to a bound playbook, and from one playbook to a narrower one. Pure; knows no engine."""
