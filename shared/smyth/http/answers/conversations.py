"""What answers tell of conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Time
from smyth.http.answers.page import Page
from smyth.http.answers.turns import ShownAttachment


class Conversation(BaseModel):
    """A conversation as lists show it."""

    conversation_id: str
    user: str | None = Field(description="null: it is common to the tenant.")
    title: str = Field(description="The beginning of the first message.")
    turns: int
    tokens: int = Field(description="Of all turns together.")
    created_at: Time
    updated_at: Time = Field(description="When the last turn ended.")


class CalledTool(BaseModel):
    """A call that the model asked for."""

    id: str
    name: str
    arguments: str = Field(description="JSON text as the model wrote it.")


class StoredMessage(BaseModel):
    """A message of a conversation, tool rounds included."""

    role: Literal["user", "assistant", "tool"]
    content: str
    at: datetime
    attachments: list[ShownAttachment] = []
    tool_calls: list[CalledTool] = []
    tool_call_id: str = Field(default="", description="Of a tool's result: which call it answers.")
    name: str = Field(default="", description="Of a tool's result: the tool.")


class WholeConversation(Conversation, Page[StoredMessage]):
    """A conversation and a part of its messages, oldest first."""
