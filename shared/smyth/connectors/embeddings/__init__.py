"""Texts as vectors: the port, and one file per adapter."""
