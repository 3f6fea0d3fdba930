"""What all services of the system share: settings, logs, metrics, the HTTP server and the loop of a worker."""
