"""What the components share that send one prompt to a model (COMPONENTS section 2; PROTOCOL section 2.6)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from smyth.components.base import Call, ComponentError
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.port import Finished, Message, ModelError, ModelRequest, Text
from smyth.values import expand, parse, parse_whole, to_json, to_text

if TYPE_CHECKING:
    from smyth.document.model import Component as Node

_STOP_SEPARATOR = re.compile(r"[,\r\n]+")
#: Outputs that authors wire but no model fills.
_NOT_FOR_MODELS = {"_error", "_debug"}


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Fraction = Annotated[float | None, BeforeValidator(_blank_is_none)]
Whole = Annotated[int | None, BeforeValidator(_blank_is_none)]


class PromptSettings(BaseSettings):
    """Settings of every component that sends one prompt. Numbers may be stored as text; blank means not set."""

    model: Annotated[str, Field(max_length=200)] | dict[str, Any] = Field(
        description="Name of the model, or an object with provider, model, base_url and credential."
    )
    prompt: str = Field(min_length=1, max_length=8_000_000, description="What to ask; {{name}} stands for an input.")
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
    passthrough: bool = Field(False, description="Also send the answer to the caller while it is being written.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said."""

    text: str
    #: ``stop`` where the model had said all.
    reason: str


def filled_prompt(call: Call) -> str:
    """Return the prompt with the inputs filled in, and the outputs the author wants asked for.

    Secrets are filled where the author's prompt names them, never inside what the inputs bring.
    """
    settings: PromptSettings = call.settings
    passes = 5 if call.run.expand_caller_data else 1
    prompt = expand(settings.prompt, call.inputs, passes=passes, secret=call.run.secret_variables)
    wanted = custom_outputs(call.node)
    # Echo would repeat the question for them (compat README, quirk 87).
    if not prompt or not wanted or settings.model == ECHO:
        return prompt
    return (
        f"{prompt}\n##\nExpected output format = {to_json(wanted)}"
        "\nThe output JSON should only use the entries from the output format."
    )


def custom_outputs(node: Node) -> dict[str, str]:
    """Return the outputs that the author added, with a stand-in for each value as models are shown it."""
    return {
        port.name: f"<value> ({port.description})" if port.description else "<value>"
        for port in node.outputs
        if not port.default and port.name not in _NOT_FOR_MODELS
    }


async def ask(
    call: Call,
    messages: list[Message],
    *,
    response_format: Literal["json", "text"] | None,
    on_text: Callable[[str], None] | None,
) -> Answer:
    """Send ``messages`` with the component's settings; hand each piece of text to ``on_text`` as it comes.

    Raises:
        ComponentError: The model could not answer.
    """
    settings: PromptSettings = call.settings
    request = ModelRequest(
        model=settings.model,
        messages=messages,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        top_p=settings.top_p,
        top_k=int(settings.top_k) if settings.top_k else None,
        stop=[stop for stop in _STOP_SEPARATOR.split(settings.stop_sequences or "") if stop],
        frequency_penalty=settings.frequency_penalty,
        presence_penalty=settings.presence_penalty,
        response_format=response_format,
        team_id=call.run.team_id,
    )
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
