"""Vector stores: the port, and one file per adapter."""
