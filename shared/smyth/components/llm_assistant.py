"""LLMAssistant: a chat turn that remembers the turns before it, by user and conversation."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from smyth.components._filling import filled
from smyth.components._prompting import ModelSettings, Passthrough, Whole, ask, asking_for_outputs, read_reply
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.connectors.memory.port import MAX_VALUE_BYTES, Entry
from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.port import Message, ModelError
from smyth.connectors.models.tokens import text_tokens
from smyth.values import to_json, to_text, truthy

_MEMORY = "conversations"
#: The last second of the year 9999: as good as never.
_NEVER = 253_402_300_799
_MESSAGE_OVERHEAD = 3


class Settings(ModelSettings):
    """Settings of LLMAssistant."""

    behavior: str = Field("", max_length=30_000, description="System text; {{name}} stands for an input.")
    passthrough: Passthrough = False
    ttl: Whole = Field(None, ge=1, description="Seconds that a conversation is kept; not set: for good.")


class LLMAssistant(Component):
    """Answers the user within a conversation, which is kept where a user or conversation is named
    (COMPONENTS section 2; compat README, quirks 88 and 89)."""

    name = "LLMAssistant"
    title = "LLM Assistant"
    summary = "Chats with a language model and remembers the conversation."
    Settings = Settings
    inputs = (
        Port("UserInput", "Text", "What the user says."),
        Port("UserId", "Text", "Whose conversation it is.", optional=True),
        Port("ConversationId", "Text", "Which of the user's conversations.", optional=True),
    )
    outputs = (Port("Response", "Text", "What the assistant says."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Answer, and keep the question and the answer."""
        settings: Settings = call.settings
        key = _key(call)
        messages = _fitting(await _history(call, key), _budget(call))
        said = to_text(call.inputs.get("UserInput", ""))
        messages.append({"role": "user", "content": asking_for_outputs(said, call)})
        if not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": filled(settings.behavior, call)})
        # Unless it streams to the caller, the original's Echo repeats the first message.
        repeats_first = settings.model == ECHO and not settings.passthrough
        answer = await ask(
            call,
            messages[:1] if repeats_first else messages,
            on_text=call.run.passthrough if settings.passthrough else None,
        )
        if not answer.text:
            raise ComponentError(" LLM Error = Empty Response!")
        if key:
            await _keep(call, key, [*messages, {"role": "assistant", "content": answer.text}])
        return {"Response": answer.text if settings.passthrough else read_reply(answer.text, call)}


def _key(call: Call) -> str:
    """Return the key of the conversation, one of its own for every pair of ids; empty where none is named."""
    ids = [call.inputs.get(name) for name in ("UserId", "ConversationId")]
    if not any(truthy(value) for value in ids):
        return ""
    return to_json([to_text(value) if truthy(value) else None for value in ids])


async def _history(call: Call, key: str) -> list[Message]:
    """Return what was kept of the conversation."""
    entry = await call.run.ports.memory.read(call.run.agent_id, _MEMORY, key) if key else None
    if entry is None or entry.expires_at <= call.run.ports.clock().timestamp():
        return []
    messages: list[Message] = json.loads(entry.value)
    return messages


async def _keep(call: Call, key: str, messages: list[Message]) -> None:
    """Keep a conversation; where it is longer than an entry may be, without its oldest messages."""
    while len((value := to_json(messages)).encode("utf-8", "surrogatepass")) > MAX_VALUE_BYTES and len(messages) > 1:
        del messages[1]
    ttl = call.settings.ttl
    expires_at = int(call.run.ports.clock().timestamp()) + ttl if ttl else _NEVER
    await call.run.ports.memory.write(call.run.agent_id, [Entry(_MEMORY, key, value, "", "", expires_at)])


def _budget(call: Call) -> int:
    """Return how many tokens of the past are sent: half of the longest answer.

    Raises:
        ComponentError: Nobody knows the model.
    """
    try:
        return call.run.ports.models.limits(call.settings.model).max_output // 2
    except ModelError as error:
        raise ComponentError(str(error)) from error


def _fitting(messages: list[Message], budget: int) -> list[Message]:
    """Return the system message and the newest of the others that fit, from a question on."""
    system = messages[:1] if messages and messages[0]["role"] == "system" else []
    budget -= sum(map(_tokens, system))
    start = len(messages)
    while start > len(system) and (budget := budget - _tokens(messages[start - 1])) >= 0:
        start -= 1
    while start < len(messages) and messages[start]["role"] != "user":
        start += 1
    return [*system, *messages[start:]]


def _tokens(message: Message) -> int:
    return text_tokens(message["content"]) + _MESSAGE_OVERHEAD
