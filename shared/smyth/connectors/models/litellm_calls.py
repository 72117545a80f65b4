"""The only place that knows LiteLLM: load it on first use, open a stream, read its chunks, ask its price table."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from smyth.connectors.models.catalog import ModelEntry
from smyth.connectors.models.port import Finished, ModelEvent, ModelRequest, Text, Thinking, Usage
from smyth.connectors.models.thinking import thinking_and_search
from smyth.connectors.models.tool_calls import ToolCallAssembler

#: Read by LiteLLM while it is imported: no look-ups on the network, no .env file of its own.
_SWITCHES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}


@cache
def litellm() -> Any:
    """Import LiteLLM; takes seconds, so call it in a thread and only when a model is really asked."""
    os.environ.update({name: value for name, value in _SWITCHES.items() if name not in os.environ})
    gc.disable()  # It makes so many objects that collecting garbage meanwhile takes a fifth of the time.
    try:
        import litellm as library
    finally:
        gc.enable()
    library.suppress_debug_info = True
    library.drop_params = True
    library.telemetry = False
    library.disable_hf_tokenizer_download = True
    library.disable_aiohttp_transport = True
    return library


async def open_stream(entry: ModelEntry, request: ModelRequest, *, key: str, client: Any | None) -> Any:
    """Send the request; returns LiteLLM's chunk stream once the provider began to answer."""
    route = "openai" if client is not None else entry.served_by.route
    given = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "stop": request.stop or None,
        "max_completion_tokens": request.max_tokens,
        "tools": request.tools or None,
        "tool_choice": request.tool_choice if request.tools else None,
        "response_format": {"type": "json_object"} if request.response_format == "json" else None,
        "api_base": entry.base_url,
        "client": client,
        **thinking_and_search(entry, request),
    }
    return await litellm().acompletion(
        model=f"{route}/{entry.model}",
        messages=request.messages,
        stream=True,
        stream_options={"include_usage": True},
        api_key=key,
        max_retries=0,
        # LiteLLM looks into the package "mcp", which is not installed, whenever tools are given.
        _skip_mcp_handler=True,
        **{name: value for name, value in given.items() if value is not None},
    )


async def events(chunks: AsyncIterator[Any], entry: ModelEntry, name: str) -> AsyncIterator[ModelEvent]:
    """Read LiteLLM's chunks as our events."""
    reason = "stop"
    figures: Any = None
    calls = ToolCallAssembler()
    async for chunk in chunks:
        figures = getattr(chunk, "usage", None) or figures
        for choice in chunk.choices[:1]:
            delta = choice.delta
            thought = getattr(delta, "reasoning_content", None)
            if thought:
                yield Thinking(thought)
            if delta.content:
                yield Text(delta.content)
            for call in delta.tool_calls or ():
                calls.add(call)
            reason = choice.finish_reason or reason
    yield Finished(reason, _usage(figures, entry, name), calls.calls())


def _usage(figures: Any, entry: ModelEntry, name: str) -> Usage:
    """Return the provider's figures with their price."""
    details = getattr(figures, "prompt_tokens_details", None)
    cached = getattr(details, "cached_tokens", None) or 0
    return priced(
        entry,
        Usage(
            model=name,
            input_tokens=max(0, (getattr(figures, "prompt_tokens", None) or 0) - cached),
            output_tokens=getattr(figures, "completion_tokens", None) or 0,
            cached_tokens=cached,
        ),
    )


def priced(entry: ModelEntry, usage: Usage) -> Usage:
    """Return ``usage`` with its cost by LiteLLM's bundled price table; 0 for models that it does not list."""
    model = f"{entry.served_by.route}/{entry.model}"
    try:
        costs = litellm().cost_per_token(
            model=model,
            prompt_tokens=usage.input_tokens + usage.cached_tokens,
            completion_tokens=usage.output_tokens,
            cache_read_input_tokens=usage.cached_tokens,
        )
    except Exception:  # LiteLLM raises plain Exception for models without a price.
        return usage
    dollars = sum((Decimal(str(cost)) for cost in costs), Decimal(0))
    micro = int((dollars * 1_000_000).to_integral_value(ROUND_HALF_UP))
    return Usage(usage.model, usage.input_tokens, usage.output_tokens, usage.cached_tokens, micro)
