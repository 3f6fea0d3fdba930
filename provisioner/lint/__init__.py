"""Rules about playbooks: one file per rule, each with one constant RULE. Pure; only facts.py looks at the world."""
