"""Talk to an agent: its skills are a model's tools, its behavior the system text (PROTOCOL)."""

from smyth.conversation.asked import AskedTurns
from smyth.conversation.events import Event, Failed
from smyth.conversation.failures import ConversationError
from smyth.conversation.options import ModelOptions
from smyth.conversation.turn import Turn

__all__ = ["AskedTurns", "ConversationError", "Event", "Failed", "ModelOptions", "Turn"]
