"""The only place that knows LiteLLM: it translates for Google, Vertex AI and Bedrock, whose protocols are their own."""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import Any

from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.json_answers import native_format
from smyth.connectors.models.keys import Key, place
from smyth.connectors.models.port import ModelRequest
from smyth.connectors.models.thinking import thinking_and_search

#: Read by LiteLLM while it is imported: no look-ups on the network, no .env file of its own.
SWITCHES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}


@cache
def litellm() -> Any:
    """Import LiteLLM; takes seconds, so call it in a thread and only when a model is really asked."""
    os.environ.update({name: value for name, value in SWITCHES.items() if name not in os.environ})
    gc.disable()  # It makes so many objects that collecting garbage meanwhile takes a fifth of the time.
    try:
        import litellm as library
    finally:
        gc.freeze()  # What is there stays; a look at all of it takes a quarter of a second.
        gc.enable()
    library.suppress_debug_info = True
    library.drop_params = True
    library.telemetry = False
    library.disable_hf_tokenizer_download = True
    library.disable_aiohttp_transport = True
    return library


async def open_stream(
    entry: ModelEntry, request: ModelRequest, *, key: Key, base_url: str | None, transport: Any
) -> Any:
    """Send the request; returns LiteLLM's chunk stream once the provider began to answer.

    Args:
        entry: The model.
        request: What to ask.
        key: For Vertex AI, an access token.
        base_url: Where the provider is, if elsewhere than LiteLLM knows.
        transport: An httpx transport for this request.
    """
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    provider = entry.served_by
    given = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k if "top_k" in provider.sampling else None,
        "seed": request.seed if "seed" in provider.sampling else None,
        "stop": request.stop or None,
        "max_completion_tokens": request.max_tokens,
        "tools": request.tools or None,
        "tool_choice": request.tool_choice if request.tools else None,
        "response_format": native_format(request, provider),
        **thinking_and_search(entry, request),
        **_whom(entry, request, key, base_url),
    }
    return await litellm().acompletion(
        messages=request.messages,
        stream=True,
        stream_options={"include_usage": True},
        max_retries=0,
        client=AsyncHTTPHandler(transport=transport),
        # LiteLLM looks into the package "mcp", which is not installed, whenever tools are given.
        _skip_mcp_handler=True,
        **{name: value for name, value in given.items() if value is not None},
    )


def _whom(entry: ModelEntry, request: ModelRequest, key: Key, base_url: str | None) -> dict[str, Any]:
    """Return who is asked, where and with which key."""
    if entry.served_by.name != "Bedrock":
        # Vertex AI serves Gemini under another address, with a token where Google's API takes a key.
        return {"model": f"gemini/{entry.model}", "api_key": key.value, "api_base": base_url}
    guardrail = request.guardrail and {
        "guardrailIdentifier": str(request.guardrail.get("id", "")),
        "guardrailVersion": str(request.guardrail.get("version") or "DRAFT"),
    }
    here = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    return {
        "model": f"bedrock/converse/{entry.model}",
        "aws_region_name": place(entry.settings, "region", here),
        "aws_bedrock_runtime_endpoint": base_url,
        "guardrailConfig": guardrail,
        **key.parts,
    }
