"""Plays a small radio network: measures every cell at an interval and sends the measurements to ingest."""
