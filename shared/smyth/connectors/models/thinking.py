"""How each provider is asked to think, to search and to be brief (models.md section 5)."""

from __future__ import annotations

from typing import Any

from smyth.connectors.models.catalog import ModelEntry
from smyth.connectors.models.port import ModelRequest

_OPENAI_EFFORTS = {"minimal", "low", "medium", "high", "xhigh"}
_GROQ_EFFORTS = {"none", "default", "low", "medium", "high"}
_GOOGLE_EFFORTS = {"minimal", "low", "medium", "high"}


def thinking_and_search(entry: ModelEntry, request: ModelRequest) -> dict[str, Any]:
    """Return LiteLLM's parameters for what ``request`` wants of these and the model knows; the rest is left out."""
    effort = request.reasoning_effort
    match entry.served_by.name:
        case "Anthropic" if request.reasoning:
            return _anthropic(entry, request)
        case "GoogleAI" if "gemini-3" in entry.model and effort in _GOOGLE_EFFORTS:
            return {"reasoning_effort": effort}
        case "Groq" if request.reasoning and effort in _GROQ_EFFORTS:
            return {"reasoning_effort": effort, "allowed_openai_params": ["reasoning_effort"]}
        case "xAI" if request.live_search:
            return {"extra_body": {"search_parameters": request.live_search}}
        case "OpenAI" if "gpt-5" in entry.model:
            wanted = {"verbosity": request.verbosity, "reasoning_effort": effort if effort in _OPENAI_EFFORTS else None}
            return {name: value for name, value in wanted.items() if value}
    return {}


def _anthropic(entry: ModelEntry, request: ModelRequest) -> dict[str, Any]:
    """Return the budget for thinking, which is part of the answer's; a model that thinks takes no sampling."""
    longest = request.max_tokens or entry.max_output
    budget = min(request.thinking_tokens or longest, longest)
    if budget == longest:
        budget = longest * 8 // 10
    sampling = dict.fromkeys(("temperature", "top_p", "top_k"))
    return {**sampling, "max_completion_tokens": longest, "thinking": {"type": "enabled", "budget_tokens": budget}}
