"""HTTP to the outside: the port, the client behind it, and which addresses it may reach."""
