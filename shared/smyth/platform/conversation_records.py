"""What is kept of conversations: whose they are, their turns, and what sums them up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from smyth.platform.attachments import Attachment


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose conversations, and with whom: those without ``user`` are common to the tenant."""

    tenant_id: str
    agent_id: str
    user: str = ""


class Conversation(BaseModel):
    """A conversation with one agent; ``turns`` counts those that were finished."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    agent_id: str
    user: str = ""
    #: Sets it apart from one of the same name that was deleted before.
    life: str
    turns: int
    #: The beginning of the first message.
    title: str = ""
    #: Of all turns together.
    tokens: int = 0
    #: What was said in the first ``summarised`` turns, in short.
    summary: str = ""
    summarised: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return Owner(self.tenant_id, self.agent_id, self.user)


class ChatTurn(BaseModel):
    """One finished turn: the user's message, tool rounds, the answer, in OpenAI's shape."""

    model_config = ConfigDict(frozen=True)

    number: int
    messages: list[dict[str, Any]]
    #: What was taken out of the messages.
    attachments: list[Attachment] = []
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    at: datetime


class Summary(BaseModel):
    """What the turns up to and including number ``until`` said."""

    model_config = ConfigDict(frozen=True)

    text: str
    until: int
