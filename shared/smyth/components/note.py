"""Note: a text on the canvas; does nothing."""

from __future__ import annotations

from smyth.components import base


class Note(base.Component):
    """A remark for people who look at the workflow."""

    name = "Note"
    title = "Note"
    summary = "A remark on the canvas; takes no part in runs."
