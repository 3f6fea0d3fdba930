"""Reads: sums of usage over time, and who used most."""
