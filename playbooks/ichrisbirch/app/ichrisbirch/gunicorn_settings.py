"""What gunicorn's servers have in common; where it listens and what it serves stand on its command line."""

workers = 4
# Shared memory for the workers' heartbeats: the rest of the container can not be written to.
worker_tmp_dir = "/dev/shm"
graceful_timeout = 10
accesslog = None
