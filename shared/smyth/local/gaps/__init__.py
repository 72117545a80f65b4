"""Bridges over what MiniStack 1.5.33 lacks: one file per gap, each to be deleted the day upstream closes it."""
