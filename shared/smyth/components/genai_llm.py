"""GenAILLM: one prompt to a model, with the conversation around it if wanted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from smyth.components._prompting import PromptSettings, Whole, ask, custom_outputs, filled_prompt, read_reply
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.port import Message
from smyth.connectors.models.tokens import message_tokens
from smyth.values import truthy

_FILES = {"image", "audio", "video", "binary"}
#: Tokens of earlier messages where the document does not say.
_DEFAULT_WINDOW = 1024
#: What providers know of a message; the rest is our own bookkeeping.
_MESSAGE_MEMBERS = ("role", "content", "tool_calls", "tool_call_id", "name")


class Settings(PromptSettings):
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


class GenAILLM(Component):
    """Asks a model and gives its answer, read as JSON where it is JSON (COMPONENTS section 2)."""

    name = "GenAILLM"
    title = "GenAI LLM"
    summary = "Asks a language model, with the agent's instructions and the conversation if wanted."
    Settings = Settings
    inputs = (Port("Input", "Any", "What the prompt speaks of."),)
    outputs = (Port("Reply", "Any", "The answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Fill the prompt, ask, and read the answer."""
        settings: Settings = call.settings
        _refuse_files(call)
        passed = call.run.passthrough if settings.passthrough else None
        answer = await ask(
            call,
            _messages(call, filled_prompt(call)),
            response_format=settings.response_format or ("json" if custom_outputs(call.node) else None),
            on_text=passed,
        )
        if passed:
            passed("\n")
        if answer.reason != "stop":
            raise ComponentError(
                f"The model stopped before completing the response. Reason: {answer.reason}.", {"Reply": answer.text}
            )
        if not answer.text:
            raise ComponentError(
                "Empty response. This is usually due to output token limit reached. "
                "Please try again with a higher 'Maximum Output Tokens'."
            )
        return {"Reply": read_reply(answer.text, call)}


def _refuse_files(call: Call) -> None:
    """Fail rather than leave files out unseen. Echo needs none (COMPONENTS section 2)."""
    files = [
        port.name for port in call.node.inputs if port.type.lower() in _FILES and truthy(call.inputs.get(port.name))
    ]
    if files and call.settings.model != ECHO:
        raise ComponentError(
            f"GenAILLM does not send files to models yet. Leave {', '.join(files)} empty, or give the content as text."
        )


def _messages(call: Call, prompt: str) -> list[Message]:
    """Return the system text and the earlier messages, where wanted, with the prompt as the last word."""
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
    return [*messages, {"role": "user", "content": prompt}]


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
