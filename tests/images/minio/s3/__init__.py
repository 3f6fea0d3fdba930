"""A small S3 server and client that play MinIO in tests. Standard library only."""
