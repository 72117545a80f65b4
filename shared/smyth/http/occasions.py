"""What starts agents besides callers: triggers, schedules, and what they deliver."""

from __future__ import annotations

from smyth.http.data import Data


class Occasions(Data):
    """The use cases of events."""
