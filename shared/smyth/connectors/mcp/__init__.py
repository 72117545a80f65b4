"""Servers of the Model Context Protocol, reached over the HTTP port."""
