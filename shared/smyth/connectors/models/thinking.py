"""How each provider is asked to think, to search and to be brief (models.md section 5)."""

from __future__ import annotations

from typing import Any

from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.port import ModelRequest

_OPENAI_EFFORTS = {"minimal", "low", "medium", "high", "xhigh"}
_OPENAI_OLDER_EFFORTS = {"low", "medium", "high"}
_OPENAI_OLDER = ("o1", "o3", "o4")
_GROQ_EFFORTS = {"none", "default", "low", "medium", "high"}
_GOOGLE_EFFORTS = {"minimal", "low", "medium", "high"}


def thinking_and_search(entry: ModelEntry, request: ModelRequest) -> dict[str, Any]:
    """Return the parameters for what ``request`` wants of these and the model knows; the rest is left out."""
    effort = request.reasoning_effort
    match entry.served_by.name:
        case "GoogleAI" | "VertexAI" if "gemini-3" in entry.model and effort in _GOOGLE_EFFORTS:
            return {"reasoning_effort": effort}
        case "Groq" if request.reasoning and effort in _GROQ_EFFORTS:
            return {"reasoning_effort": effort}
        case "xAI" if request.live_search:
            return {"extra_body": {"search_parameters": request.live_search}}
        case "OpenAI" if "gpt-5" in entry.model:
            wanted = {"verbosity": request.verbosity, "reasoning_effort": effort if effort in _OPENAI_EFFORTS else None}
            return {name: value for name, value in wanted.items() if value}
        case "OpenAI" if entry.model.startswith(_OPENAI_OLDER) and effort in _OPENAI_OLDER_EFFORTS:
            return {"reasoning_effort": effort}
    return {}


def thinking_budget(longest: int, wanted: int | None) -> int:
    """Return how many tokens of an answer Claude may think with: not all, since thoughts are part of the answer."""
    budget = min(wanted or longest, longest)
    return longest * 8 // 10 if budget == longest else budget
