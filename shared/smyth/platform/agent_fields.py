"""What agents are made from and changed by, besides whole documents; only functions that do so load this."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from smyth.document.guardrails import Guardrails
from smyth.document.memory import MemorySettings
from smyth.platform.names import Name


class AgentFields(BaseModel):
    """What an agent may be changed by; members that are not sent stay as they are."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    description: str | None = Field(default=None, max_length=20_000)
    behavior: str | None = Field(default=None, max_length=200_000)
    model: str | None = Field(default=None, max_length=200)
    variables: dict[str, str] | None = None
    guardrails: Guardrails | None = Field(default=None, description="Rules for what is said; null takes them away.")
    memory: MemorySettings | None = Field(default=None, description="How chats are remembered; null for the usual way.")


class NewAgent(AgentFields):
    """What an agent is made from."""

    name: Name
    components: list[dict[str, Any]] = []
    connections: list[dict[str, Any]] = []
