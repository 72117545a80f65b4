"""Turn what providers and libraries raise into :class:`ModelError`: clear words, and never a key in them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import Any

from smyth.connectors.models.port import ErrorKind, ModelError

_LITELLM_WORDS = re.compile(r"^(?:litellm\.)?(?:\w+(?:Error|Exception)(?: - |: )\s*)+|^litellm\.\w+: ")
_SECRET_LIKE = re.compile(
    r"\b(?:sk|gsk|xai|pplx|key)-[\w*-]{6,}|\bAIza[\w-]{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|\bya29\.[\w.-]+|(?i:bearer) [\w.*-]{6,}"
)
_LONGEST_TEXT = 500


class ProviderFailure(Exception):
    """What a provider said instead of an answer, where no library puts it into an exception of its own."""

    def __init__(self, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whom a request went to, for the words of an error."""

    provider: str
    model: str
    key: str
    #: Where the key came from, as the user knows it; empty where none was sent.
    key_source: str


def retry_after_s(error: BaseException) -> float | None:
    """Return the pause that the provider asked for, in seconds."""
    headers = _headers(error)
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) * unit)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except ValueError:
            continue
    return None


def model_error(error: Exception, attempt: Attempt) -> ModelError:
    """Return the error to show for what was raised."""
    if isinstance(error, ModelError):
        return error
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    kind = _kind(error, status)
    text = _provider_text(error, attempt.key)
    told = ModelError(_words(kind, attempt, text), kind=kind, status=status)
    told.retry_after_s = retry_after_s(error)
    return told


def _headers(error: BaseException) -> Mapping[str, str]:
    for found in (
        getattr(error, "headers", None),
        getattr(error, "litellm_response_headers", None),
        getattr(getattr(error, "response", None), "headers", None),
    ):
        if found:
            return found  # type: ignore[no-any-return]
    return {}


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
        case "credentials" if not attempt.key_source:
            return f"{who} wants a key, and none is set for this model. Name a vault entry as its credential.{told}"
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
    """Return the provider's own words, without a library's around them and without anything like a key."""
    if isinstance(error, JSONDecodeError | UnicodeDecodeError):
        return "something that is not JSON."
    text = _message(getattr(error, "body", None)) or str(getattr(error, "message", None) or error)
    text = _LITELLM_WORDS.sub("", text.partition(" Original exception:")[0]).strip()
    if key:
        text = text.replace(key, "***")
    return _SECRET_LIKE.sub("***", text)[:_LONGEST_TEXT]


def _message(body: Any) -> str:
    """Return the message inside an error's body, in the forms that providers use."""
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        return message if isinstance(message, str) else ""
    return ""
