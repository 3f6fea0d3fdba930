"""Accepts performance-management events over HTTP and stores them in PostgreSQL."""
