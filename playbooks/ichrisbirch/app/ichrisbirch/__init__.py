"""Habits: an API, a page and a scheduler."""
