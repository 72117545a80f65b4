"""The one way in which a command fails."""

from __future__ import annotations


class CommandError(Exception):
    """What happened and what to do, in one line; the command ends with ``exit_code``."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(CommandError):
    """The command was called in a way that cannot be meant."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=2)
