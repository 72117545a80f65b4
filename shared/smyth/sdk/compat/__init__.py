"""Replay recorded behaviour of the original runtime and tell the differences."""

from smyth.sdk.compat.replay import Result, replay

__all__ = ["Result", "replay"]
