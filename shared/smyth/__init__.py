"""The serverless home of AI agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smyth.sdk import Agent

__all__ = ["Agent", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Functions import this package for its parts; only who asks for the Python face loads it.
    if name == "Agent":
        from smyth.sdk import Agent

        return Agent
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
