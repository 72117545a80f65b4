"""The language model port: one request in, a stream of events out.

Every caller streams, as the original does (PROTOCOL section 2); who wants the
whole reply collects it with :func:`complete`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

#: A chat message in OpenAI's shape: ``role``, ``content``, and where they apply
#: ``tool_calls``, ``tool_call_id`` and ``name``.
Message = dict[str, Any]

#: ``budget``: the request may not spend what the answer can cost.
ErrorKind = Literal["unknown_model", "credentials", "rate_limited", "invalid_request", "timeout", "provider", "budget"]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What is asked of a model; ``None`` means that the provider's default applies."""

    #: A model name as the document has it, or ``{provider, model, base_url, credential}``.
    model: str | dict[str, Any]
    messages: list[Message]
    #: Tool definitions in OpenAI's shape (``{"type": "function", "function": {...}}``).
    tools: list[dict[str, Any]] = field(default_factory=list)
    #: ``auto``, ``none``, ``required``, or an object that names one tool, as OpenAI's API has it.
    tool_choice: str | dict[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = field(default_factory=list)
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    #: The same seed asks for the same answer, of providers that know it.
    seed: int | None = None
    #: ``json`` asks for a JSON object; an object is OpenAI's ``response_format``, such as a JSON schema.
    response_format: Literal["json", "text"] | dict[str, Any] | None = None
    #: How long the answer shall be: ``low``, ``medium`` or ``high``; models that do not know it do not get it.
    verbosity: str | None = None
    #: Whether the model shall think before it answers, how hard, and with how many tokens at the most.
    reasoning: bool = False
    reasoning_effort: str | None = None
    thinking_tokens: int | None = None
    #: OpenAI's web search: ``{search_context_size, user_location}``.
    web_search: dict[str, Any] | None = None
    #: How often the provider may search for one answer.
    max_searches: int | None = None
    #: xAI's search: its ``search_parameters``.
    live_search: dict[str, Any] | None = None
    #: Amazon Bedrock's guardrail: ``{id, version}``.
    guardrail: dict[str, Any] | None = None
    #: Whose vault the credential is looked up in.
    team_id: str = "default"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; ``arguments`` is the JSON text exactly as received."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one provider request used. ``input_tokens`` does not include ``cached_tokens``."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    #: Provider cost in micro-USD.
    cost_micro_usd: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the model's reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every stream that did not raise."""

    #: ``stop``, ``length``, ``tool_calls``, ``content_filter`` or the provider's own word.
    reason: str
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    #: Claude's thoughts with their signatures: they go back as member ``thinking_blocks`` of the assistant's message.
    thinking_blocks: tuple[dict[str, Any], ...] = ()


ModelEvent = Text | Thinking | Finished


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a moderation model says of a text."""

    #: By category, between 0 and 1.
    scores: dict[str, float]
    #: The categories that the model itself holds against the text.
    flagged: set[str]
    #: Providers tell no figures for moderations; the tokens are an estimate.
    usage: Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model takes and gives, sizes in tokens; the defaults serve models that nobody described."""

    context_window: int = 128_000
    max_output: int = 8_192
    #: How the MIME types of the files begin that the model reads.
    media: tuple[str, ...] = ("image/png", "image/jpeg", "image/webp", "image/gif")


class ModelError(Exception):
    """A model could not answer.

    Attributes:
        kind: What went wrong, for code that must decide.
        status: The provider's HTTP status, where there was one.
        reached_provider: Whether a provider was asked: it refused, failed or was silent. False where the
            request never left us: an unknown model, a missing key, an address that is not allowed.
    """

    def __init__(
        self, message: str, *, kind: ErrorKind = "provider", status: int | None = None, reached: bool | None = None
    ) -> None:
        """Make an error.

        Args:
            message: What happened, and what to do.
            kind: What went wrong.
            status: The provider's HTTP status.
            reached: Whether a provider was asked; by default as kind and status tell.
        """
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.status = status
        told = status is not None or kind in ("rate_limited", "timeout", "provider")
        self.reached_provider = told if reached is None else reached
        #: How long the provider asks to be left alone, where it said so.
        self.retry_after_s: float | None = None


class ModelPort(Protocol):
    """Anything that answers model requests."""

    def limits(self, model: str | dict[str, Any]) -> Limits:
        """Return the limits of ``model``, named as in :class:`ModelRequest`.

        Raises:
            ModelError: The model is unknown.
        """
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Answer ``request``; the last event is :class:`Finished`. Closing the generator stops the model.

        Raises:
            ModelError: The model is unknown, refused, or failed.
        """
        ...

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        """Estimate what ``request`` used when nobody waited for more than ``reply``: providers bill for that too."""
        ...

    async def moderate(self, model: str | dict[str, Any], text: str, *, team_id: str) -> Verdict:
        """Ask a moderation model about ``text``; whose key is used follows the rules for any request of the team.

        Raises:
            ModelError: The model is unknown, refused, or failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    text: str
    reason: str
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    thinking_blocks: tuple[dict[str, Any], ...] = ()


async def complete(models: ModelPort, request: ModelRequest) -> Reply:
    """Collect the stream for ``request`` into one :class:`Reply`.

    Raises:
        ModelError: As :meth:`ModelPort.stream`.
    """
    pieces: list[str] = []
    async with aclosing(models.stream(request)) as events:
        async for event in events:
            if isinstance(event, Text):
                pieces.append(event.text)
            elif isinstance(event, Finished):
                return Reply("".join(pieces), event.reason, event.usage, event.tool_calls, event.thinking_blocks)
    raise ModelError("The model's answer ended before it was complete. Try again.")
