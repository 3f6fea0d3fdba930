"""Adds up what was stored, minute by minute."""
