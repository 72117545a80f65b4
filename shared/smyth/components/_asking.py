"""What the components share that give a prompt to a model with tools (COMPONENTS section 9)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components._filling import filled
from smyth.components.base import Call, ComponentError
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.conversations.port import Conversations, Question
from smyth.values import to_json


class AskingSettings(BaseSettings):
    """Settings of every component that holds a conversation."""

    model: str | dict[str, Any] | None = Field(
        None, description="Name of the model, or an object with provider, model, base_url and credential."
    )
    old_model: str | None = Field(
        None, alias="openAiModel", max_length=200, description="Old name of model; used where that is empty."
    )
    behavior: str = Field("", alias="descForModel", max_length=5000, description="System text; {{name}} is an input.")
    name: str = Field("", max_length=500, description="Display name of the connected service.")
    desc: str = Field("", max_length=5000, description="What it is for, told to people.")
    logo_url: str = Field("", alias="logoUrl", max_length=8192, description="Icon.")
    id: str | None = Field(None, max_length=200, description="Catalogue id.")
    version: str = Field("", max_length=100, description="Version label.")
    domain: str = Field("", max_length=253, description="Domain label.")


def as_prompt(value: Any) -> str:
    """Return what is asked as text: other values as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)


def question(call: Call, prompt: str, *, speaker: str = "") -> Question:
    """Return what is asked with the component's settings.

    Args:
        call: The component's call.
        prompt: What is asked.
        speaker: Whom the model speaks for, told as agents tell their name (PROTOCOL section 2.1).
    """
    settings: AskingSettings = call.settings
    run = call.run
    named = f"Assistant Name : {speaker}" if speaker else ""
    return Question(
        prompt=prompt,
        system="\n\n".join(filter(None, (named, filled(settings.behavior, call)))),
        model=settings.model or settings.old_model or None,
        ports=run.ports,
        team_id=run.team_id,
        session_id=run.session_id,
        usage=run.usage,
    )


def conversations(call: Call) -> Conversations:
    """Return who holds conversations.

    Raises:
        ComponentError: Nobody does.
    """
    found = call.run.ports.conversations
    if found is None:
        raise ComponentError(
            "This run can hold no conversations. Give its ports a smyth.conversation.AskedTurns() as conversations."
        )
    return found
