"""What runs tell of themselves: the port, and one file per adapter."""
