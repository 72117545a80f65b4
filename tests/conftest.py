"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# Half of hypothesis's default, for a quick suite: each run draws anew, so a fault hides for a run or two at most.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.load_profile("quick")
