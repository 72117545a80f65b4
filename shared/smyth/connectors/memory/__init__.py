"""What agents remember by key: the port, and one file per adapter."""
