"""Component: the original's nameless base, allowed in documents; does nothing."""

from __future__ import annotations

from smyth.components import base


class Component(base.Component):
    """A box without a function."""

    name = "Component"
    title = "Component"
    summary = "A box that does nothing."
