"""What prompts and chats are answered with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from smyth.http.answers.fields import Money


class ToolCall(BaseModel):
    """A skill that the model called, and what it returned."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str
    arguments: Any
    result: Any


class Tokens(BaseModel):
    """What the model was sent and what it wrote."""

    model_config = ConfigDict(extra="allow")

    input_tokens: int
    output_tokens: int
    total_tokens: int


class GuardrailAction(BaseModel):
    """What a rule of the agent did; never what it found."""

    stage: Literal["input", "tool", "output"]
    rule: str
    action: Literal["block", "mask", "pass"]
    count: int


class PromptAnswer(BaseModel):
    """What the agent said."""

    output: str
    tool_calls: list[ToolCall]
    model: str
    finish_reason: str = Field(description="Why the model's last reply ended.")
    usage: Tokens
    cost: Money
    request_id: str
    warnings: list[str] = Field(default=[], description="What to know though all went well; left out where nothing.")
    guardrails: list[GuardrailAction] = Field(default=[], description="What guardrails did; left out where nothing.")


class ChatAnswer(PromptAnswer):
    """What the agent said, and the conversation to go on with."""

    conversation_id: str


class ShownAttachment(BaseModel):
    """A file of a message; its content is not shown."""

    name: str
    type: str
    size: int = Field(description="Characters of its data URL.")


class ChatMessage(BaseModel):
    """A message of a conversation."""

    role: Literal["user", "assistant"]
    content: str
    at: datetime
    attachments: list[ShownAttachment] = []


class ChatHistory(BaseModel):
    """What was said, oldest first."""

    conversation_id: str
    messages: list[ChatMessage]
