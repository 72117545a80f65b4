"""How OpenAI says that something went wrong: https://platform.openai.com/docs/guides/error-codes."""

from __future__ import annotations

from typing import Any

from smyth.testing.turns import Fail

_KINDS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", None),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "overloaded"),
}


def error(fail: Fail) -> dict[str, Any]:
    """The body of a failure."""
    if isinstance(fail.body, dict):
        return fail.body
    kind, code = _KINDS.get(fail.status, ("server_error" if fail.status >= 500 else "invalid_request_error", None))
    return {"error": {"message": fail.message, "type": kind, "param": None, "code": code}}
