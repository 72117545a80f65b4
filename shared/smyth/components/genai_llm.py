"""GenAILLM: one prompt to a model, with the conversation around it if wanted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from smyth.components._attachments import question
from smyth.components._files import FILE_TYPES
from smyth.components._filling import filled
from smyth.components._prompting import PromptSettings, Whole, ask_for_reply, asking_for_outputs, custom_outputs
from smyth.components._searching import SearchSettings, live_search, web_search
from smyth.components.base import Call, Component, Port
from smyth.connectors.models.port import Message
from smyth.connectors.models.tokens import message_tokens

#: Tokens of earlier messages where the document does not say.
_DEFAULT_WINDOW = 1024
#: What providers know of a message; the rest is our own bookkeeping.
_MESSAGE_MEMBERS = ("role", "content", "tool_calls", "tool_call_id", "name")


class Settings(PromptSettings, SearchSettings):
    """Settings of GenAILLM."""

    response_format: Literal["json", "text", ""] | None = Field(
        None, alias="responseFormat", description="Blank: JSON where there are outputs besides Reply."
    )
    use_system_prompt: bool = Field(
        False, alias="useSystemPrompt", description="Send the system text of the calling chat, or else the agent's."
    )
    use_context_window: bool = Field(
        False, alias="useContextWindow", description="Send the messages of the calling chat before the prompt."
    )
    max_context_window_length: Whole = Field(
        None, alias="maxContextWindowLength", ge=0, description="Most tokens of earlier messages."
    )
    verbosity: Literal["low", "medium", "high", ""] | None = Field(None, description="GPT-5: how long answers are.")
    use_reasoning: bool = Field(False, alias="useReasoning", description="Let the model think before it answers.")
    reasoning_effort: Literal["none", "default", "minimal", "low", "medium", "high", "xhigh", ""] | None = Field(
        None, alias="reasoningEffort", description="How hard to think; what a model knows of these depends on it."
    )
    max_thinking_tokens: Whole = Field(
        None, alias="maxThinkingTokens", ge=1, description="Most tokens for thinking, where the model takes a limit."
    )


class GenAILLM(Component):
    """Asks a model and gives its answer, read as JSON where it is JSON (COMPONENTS section 2)."""

    name = "GenAILLM"
    title = "GenAI LLM"
    summary = "Asks a language model, with the agent's instructions and the conversation if wanted."
    Settings = Settings
    inputs = (
        Port("Input", "Any", "What the prompt speaks of."),
        Port("Attachment", "Binary", "Files for the model; so is any input of a file type.", optional=True),
    )
    outputs = (Port("Reply", "Any", "The answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Fill the prompt, ask, and read the answer."""
        settings: Settings = call.settings
        prompt = asking_for_outputs(filled(settings.prompt, call), call)
        files = [call.inputs.get(port.name) for port in call.node.inputs if port.type.lower() in FILE_TYPES]
        reply = await ask_for_reply(
            call,
            [*_before(call), await question(call, prompt, files)],
            response_format=settings.response_format or ("json" if custom_outputs(call.node) else None),
            verbosity=settings.verbosity or None,
            reasoning=settings.use_reasoning,
            reasoning_effort=settings.reasoning_effort or None,
            thinking_tokens=settings.max_thinking_tokens,
            web_search=web_search(call),
            live_search=live_search(call),
            **settings.sampling(),
        )
        return {"Reply": reply}


def _before(call: Call) -> list[Message]:
    """Return the system text and the earlier messages, where wanted; the prompt stands for the newest question."""
    settings: Settings = call.settings
    conversation = call.run.conversation
    messages: list[Message] = []
    if settings.use_system_prompt:
        system = [message["content"] for message in conversation if message.get("role") == "system"][:1]
        text = (system[0] if system else "") or call.run.behavior
        if text:
            messages.append({"role": "system", "content": text})
    if settings.use_context_window:
        window = settings.max_context_window_length or _DEFAULT_WINDOW
        budget = window - sum(message_tokens(message) for message in messages)
        messages += _newest([message for message in conversation if message.get("role") != "system"], budget)
    if messages and messages[-1]["role"] == "user":
        messages.pop()
    return messages


def _newest(messages: list[dict[str, Any]], budget: int) -> list[Message]:
    """Return the newest messages that fit, without calls that nobody answered and answers that nobody asked for."""
    end = len(messages)
    while end and messages[end - 1].get("tool_calls"):
        end -= 1
    start = end
    while start and (budget := budget - message_tokens(messages[start - 1])) >= 0:
        start -= 1
    while start < end and messages[start].get("role") == "tool":
        start += 1
    return [{name: message[name] for name in _MESSAGE_MEMBERS if name in message} for message in messages[start:end]]
