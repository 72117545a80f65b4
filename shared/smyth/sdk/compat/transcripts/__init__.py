"""Replay recorded conversations between the original runtime and model providers, and tell the differences."""

from smyth.sdk.compat.transcripts.replay import Result, replay

__all__ = ["Result", "replay"]
