"""What goes wrong when layers are built."""

from __future__ import annotations


class LayerError(RuntimeError):
    """A layer cannot be built; the message says why and what to do."""
