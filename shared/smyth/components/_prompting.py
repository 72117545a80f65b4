"""What the components share that send one prompt to a model (COMPONENTS section 2; PROTOCOL section 2.6)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from smyth.components.base import Call, ComponentError
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.port import Finished, Message, ModelError, ModelRequest, Text
from smyth.values import parse, parse_whole, to_json, to_text

if TYPE_CHECKING:
    from smyth.document.model import Component as Node

_STOP_SEPARATOR = re.compile(r"[,\r\n]+")
#: Outputs that authors wire but no model fills.
NOT_FOR_MODELS = {"_error", "_debug"}


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Fraction = Annotated[float | None, BeforeValidator(_blank_is_none)]
Whole = Annotated[int | None, BeforeValidator(_blank_is_none)]


Prompt = Annotated[
    str, Field(min_length=1, max_length=8_000_000, description="What to ask; {{name}} stands for an input.")
]


Passthrough = Annotated[bool, Field(description="Also send the answer to the caller while it is being written.")]


class ModelSettings(BaseSettings):
    """Settings of every component that asks a model. Numbers may be stored as text; blank means not set."""

    model: Annotated[str, Field(max_length=200)] | dict[str, Any] = Field(
        description="Name of the model, or an object with provider, model, base_url and credential."
    )


class PromptSettings(ModelSettings):
    """Settings of the components whose author chooses how the model samples."""

    prompt: Prompt
    temperature: Fraction = Field(None, ge=0, le=5, description="Randomness. Not set: the model's default.")
    max_tokens: Whole = Field(None, alias="maxTokens", ge=1, description="Longest answer, in tokens.")
    stop_sequences: str | None = Field(
        None, alias="stopSequences", max_length=400, description="Texts that end the answer, by commas or new lines."
    )
    top_p: Fraction = Field(None, alias="topP", ge=0, le=1, description="Nucleus sampling.")
    top_k: Fraction = Field(None, alias="topK", ge=0, le=500, description="Top-k sampling; 0 means not set.")
    frequency_penalty: Fraction = Field(
        None, alias="frequencyPenalty", ge=0, le=2, description="Makes words rarer that came often."
    )
    presence_penalty: Fraction = Field(
        None, alias="presencePenalty", ge=0, le=2, description="Makes words rarer that came at all."
    )
    passthrough: Passthrough = False

    def sampling(self) -> dict[str, Any]:
        """Return the members of a :class:`ModelRequest` that the author chose."""
        return {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "top_p": self.top_p,
            "top_k": int(self.top_k) if self.top_k else None,
            "stop": [stop for stop in _STOP_SEPARATOR.split(self.stop_sequences or "") if stop],
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said."""

    text: str
    #: ``stop`` where the model had said all.
    reason: str


def asking_for_outputs(prompt: str, call: Call) -> str:
    """Return a prompt with the outputs that the author added asked for."""
    wanted = custom_outputs(call.node)
    # Echo would repeat the question for them (compat README, quirk 87).
    if not prompt or not wanted or call.settings.model == ECHO:
        return prompt
    return prompt + output_format(wanted)


def asking_for_value_of(prompt: str, call: Call) -> str:
    """As :func:`asking_for_outputs`, in the words of VisionLLM and MultimodalLLM; Echo repeats them (quirk 87)."""
    wanted = custom_outputs(call.node)
    if not prompt or not wanted:
        return prompt
    return (
        f"{prompt}\n\nExpected output format = {to_json(dict.fromkeys(wanted, '<value>'))}"
        "\n\n The output JSON should only use the entries from the output format."
    )


def output_format(wanted: dict[str, str]) -> str:
    """Return the words that ask for an object with these members."""
    return (
        f"\n##\nExpected output format = {to_json(wanted)}"
        "\nThe output JSON should only use the entries from the output format."
    )


def custom_outputs(node: Node) -> dict[str, str]:
    """Return the outputs that the author added, with a stand-in for each value as models are shown it."""
    return {
        port.name: f"<value> ({port.description})" if port.description else "<value>"
        for port in node.outputs
        if not port.default and port.name not in NOT_FOR_MODELS
    }


async def ask(
    call: Call, messages: list[Message], *, on_text: Callable[[str], None] | None = None, **options: Any
) -> Answer:
    """Send ``messages`` to the component's model; hand each piece of text to ``on_text`` as it comes.

    Args:
        call: The component's call.
        messages: What to send.
        on_text: Hears the answer while it is written.
        options: Further members of the :class:`ModelRequest`.

    Raises:
        ComponentError: The model could not answer.
    """
    request = ModelRequest(model=call.settings.model, messages=messages, team_id=call.run.team_id, **options)
    models = call.run.ports.models
    pieces: list[str] = []
    try:
        async for event in models.stream(request):
            if isinstance(event, Text):
                pieces.append(event.text)
                if on_text:
                    on_text(event.text)
            elif isinstance(event, Finished):
                call.run.usage.append(event.usage)
                return Answer("".join(pieces), event.reason)
    except ModelError as error:
        # The original adds the provider's details after a space, and leaves the space where there are none.
        raise ComponentError(str(error) if error.kind == "unknown_model" else f"{error} ") from error
    except asyncio.CancelledError:
        # The run is out of time or its caller is gone; the provider has worked all the same.
        call.run.usage.append(models.broken_off(request, "".join(pieces)))
        raise
    raise ComponentError("The model's answer ended before it was complete. Try again.")


async def ask_for_reply(call: Call, messages: list[Message], **options: Any) -> Any:
    """Send ``messages``, pass the answer through if the settings say so, and return it, read as JSON if it is JSON.

    Raises:
        ComponentError: The model could not answer, said nothing, stopped too early, or told of an error.
    """
    passed = call.run.passthrough if call.settings.passthrough else None
    answer = await ask(call, messages, on_text=passed, **options)
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
    return read_reply(answer.text, call)


def read_reply(text: str, call: Call) -> Any:
    """Return the JSON that a reply holds, else the reply.

    Echo's reply counts as JSON only as a whole, and never as an error (compat README, quirk 84).

    Raises:
        ComponentError: The reply is an object that tells of an error.
    """
    is_echo = call.settings.model == ECHO
    reply = parse_whole(text) if is_echo else parse(text)
    error = reply.get("error") if isinstance(reply, dict) else None
    if not error:
        return reply
    if is_echo:
        return text
    raise ComponentError(
        error if isinstance(error, str) else to_text(error) if not isinstance(error, (dict, list)) else to_json(error)
    )
