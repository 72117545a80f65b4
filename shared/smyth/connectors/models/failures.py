"""Turn what LiteLLM raises into :class:`ModelError`: clear words, and never a key in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smyth.connectors.models.port import ErrorKind, ModelError

_LITELLM_WORDS = re.compile(r"^(?:litellm\.)?(?:\w+(?:Error|Exception)(?: - |: )\s*)+|^litellm\.\w+: ")
_SECRET_LIKE = re.compile(r"\b(?:sk|gsk|xai|pplx|key)-[\w*-]{6,}|\bAIza[\w-]{20,}|(?i:bearer) [\w.*-]{6,}")
_LONGEST_TEXT = 500
_RETRIABLE: frozenset[ErrorKind] = frozenset({"rate_limited", "provider"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whom a request went to, for the words of an error."""

    provider: str
    model: str
    key: str
    #: Where the key came from, as the user knows it.
    key_source: str


def is_retriable(error: ModelError) -> bool:
    """Tell whether asking again may help."""
    return error.kind in _RETRIABLE


def retry_after_s(error: Exception) -> float | None:
    """Return the pause that the provider asked for, in seconds."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit
        except (KeyError, TypeError, ValueError):
            continue
    return None


def model_error(error: Exception, attempt: Attempt) -> ModelError:
    """Return the error to show for what LiteLLM raised."""
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    kind = _kind(error, status)
    return ModelError(_words(kind, attempt, _provider_text(error, attempt.key)), kind=kind, status=status)


def _kind(error: Exception, status: int | None) -> ErrorKind:
    if isinstance(error, TimeoutError) or status == 408:
        return "timeout"
    if status in (401, 403):
        return "credentials"
    if status == 404:
        return "unknown_model"
    if status == 429:
        return "rate_limited"
    if status is not None and 400 <= status < 500:
        return "invalid_request"
    return "provider"


def _words(kind: ErrorKind, attempt: Attempt, text: str) -> str:
    who = attempt.provider
    told = f" It said: {text}" if text else ""
    match kind:
        case "timeout":
            return f"{who} did not answer in time. Try again, or ask for a shorter answer."
        case "credentials":
            return f"{who} refused the key from {attempt.key_source}. Set a valid key there.{told}"
        case "unknown_model":
            return f'{who} does not offer the model "{attempt.model}" to your key. Choose another model.{told}'
        case "rate_limited":
            return f"{who} is limiting requests. Wait a moment and try again.{told}"
        case "invalid_request":
            return f"{who} did not accept the request. Change it as told.{told}"
        case _:
            return f"{who} failed to answer. Try again.{told}"


def _provider_text(error: Exception, key: str) -> str:
    """Return the provider's own words, without LiteLLM's around them and without anything like a key."""
    text = str(getattr(error, "message", None) or error)
    text = _LITELLM_WORDS.sub("", text.partition(" Original exception:")[0]).strip()
    if key:
        text = text.replace(key, "***")
    return _SECRET_LIKE.sub("***", text)[:_LONGEST_TEXT]
