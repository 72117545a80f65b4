"""Vectors with metadata, searched by nearness: the port, and one file per adapter."""
