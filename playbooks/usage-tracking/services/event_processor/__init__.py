"""Takes events from the queue and stores them, each once."""
