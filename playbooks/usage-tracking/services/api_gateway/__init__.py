"""The main entry point: takes usage events and puts them into the queue."""
