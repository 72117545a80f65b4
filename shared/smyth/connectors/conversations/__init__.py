"""Conversations that a component may hold: with another agent, or with a model that has tools."""
