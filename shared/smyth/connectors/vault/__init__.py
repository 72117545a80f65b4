"""Secrets by name: the port, and one file per adapter."""
