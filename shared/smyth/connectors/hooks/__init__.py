"""Webhooks that come in: who sent them, and whether they came before."""
