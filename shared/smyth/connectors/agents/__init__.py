"""Other agents by id: the port, and one file per adapter."""
