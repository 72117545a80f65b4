"""The parameters that come with a model, laid under those of a request (models.md section 2, ``params``)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.port import ModelRequest

#: SmythOS's names of parameters, and ours.
_NAMES = {
    "maxTokens": "max_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "stopSequences": "stop",
    "responseFormat": "response_format",
    "reasoningEffort": "reasoning_effort",
    "useReasoning": "reasoning",
    "maxThinkingTokens": "thinking_tokens",
    "toolChoice": "tool_choice",
}
_FIGURES = {
    "temperature": float, "top_p": float, "frequency_penalty": float, "presence_penalty": float,
    "max_tokens": int, "top_k": int, "seed": int, "thinking_tokens": int,
}  # fmt: skip
_OTHERS = {"stop", "response_format", "reasoning_effort", "reasoning", "verbosity", "tool_choice", "guardrail"}


def with_defaults(request: ModelRequest, entry: ModelEntry) -> ModelRequest:
    """Return ``request`` with the entry's parameters where it has none of its own; blank ones count as none."""
    more: dict[str, Any] = {}
    for given, value in entry.params.items():
        name = _NAMES.get(given, given)
        if name not in _FIGURES and name not in _OTHERS:
            continue
        if value in (None, "", []) or getattr(request, name) not in (None, [], False):
            continue
        more[name] = _read(name, value)
    if entry.params.get("useWebSearch") and request.web_search is None:
        more["web_search"] = _web_search(entry.params)
    return replace(request, **{name: value for name, value in more.items() if value is not None})


def _read(name: str, value: Any) -> Any:
    """Return a parameter in its type; None for a text that is no number."""
    if name in _FIGURES:
        try:
            return _FIGURES[name](value)
        except (TypeError, ValueError):
            return None
    if name == "stop" and isinstance(value, str):
        return [part.strip() for part in value.replace("\n", ",").split(",") if part.strip()]
    return value


def _web_search(params: dict[str, Any]) -> dict[str, Any]:
    """Return the search tool's settings (models.md section 5)."""
    place = {name: params.get(f"webSearch{name.title()}") for name in ("city", "country", "region", "timezone")}
    place = {name: value for name, value in place.items() if value}
    size = params.get("webSearchContextSize") or "medium"
    return {"search_context_size": size, **({"user_location": {"type": "approximate", **place}} if place else {})}
