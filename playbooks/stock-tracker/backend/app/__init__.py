"""Serves prices, and collects them, in one process."""
