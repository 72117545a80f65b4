"""The Python face: run agents in this process."""

from smyth.sdk.agent import Agent

__all__ = ["Agent"]
