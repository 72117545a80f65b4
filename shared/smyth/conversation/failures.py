"""Why a turn cannot be done, apart from the model's own failures."""

from __future__ import annotations


class ConversationError(Exception):
    """A turn cannot go on.

    Attributes:
        code: For programs: ``empty_message``, ``message_too_long``, ``attachment_unavailable``, ``invalid_tool``,
            ``tool_name_taken``, ``unknown_tool`` or ``too_many_tool_rounds``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
