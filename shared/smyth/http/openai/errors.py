"""Errors in the shape that OpenAI's clients read, so that they raise what their users expect."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

from smyth.http.problems import Problem

#: Statuses that OpenAI's API does not have.
_STATUS = {402: 429, 422: 400, 424: 400}
_CODES = {
    "unauthorized": "invalid_api_key",
    "quota_exceeded": "insufficient_quota",
    "payment_required": "insufficient_quota",
    "budget_exceeded": "insufficient_quota",
    "throttled": "rate_limit_exceeded",
    "message_too_long": "context_length_exceeded",
    "invalid": "invalid_value",
}
#: LiteLLM tells some errors by their type.
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "requests"}
_MOST_FAULTS = 3


def refused(param: str, detail: str, code: str = "invalid_value") -> Problem:
    """Return the problem of a request whose ``param`` cannot be taken."""
    return Problem(400, code, detail, [{"in": "body", "field": param, "code": code, "message": detail}])


def unknown_model(name: str) -> Problem:
    """Return the problem of a request for a model that is none of the caller's."""
    detail = f'There is no model "{name}" for this key. GET /v1/models lists those there are.'
    return Problem(404, "model_not_found", detail, [{"in": "body", "field": "model", "message": detail}])


def error_response(problem: Problem, *, instance: str, request_id: str) -> Response:
    """Return ``problem`` as OpenAI's API would answer it; ``instance`` and ``request_id`` have no place there."""
    status = _STATUS.get(problem.status, problem.status)
    error = error_of(problem)
    headers = dict(problem.headers)
    if error["code"] == "insufficient_quota":
        headers["x-should-retry"] = "false"  # Else OpenAI's client tries again at once.
    return Response(json.dumps({"error": error}), status, headers=headers, media_type="application/json")


def error_of(problem: Problem) -> dict[str, Any]:
    """Return the member ``error`` that tells of ``problem``."""
    faults = [fault for fault in problem.errors or () if fault.get("field")]
    code = _CODES.get(problem.code, problem.code)
    return {
        "message": _message(problem, faults),
        "type": _type(problem.status, code),
        "param": _path(faults[0]["field"]) if faults else None,
        "code": code,
    }


def _message(problem: Problem, faults: list[dict[str, Any]]) -> str:
    if problem.code == "message_too_long":  # Clients know the case by these words.
        return f"This model's maximum context length is exceeded. {problem.detail}"
    if problem.code != "invalid" or not faults:
        return problem.detail
    told = [f"{_path(fault['field'])}: {fault['message']}" for fault in faults[:_MOST_FAULTS]]
    more = f" (and {len(faults) - _MOST_FAULTS} more)" if len(faults) > _MOST_FAULTS else ""
    return f"The request is not valid. {'; '.join(told)}{more}."


def _type(status: int, code: str) -> str:
    if code == "insufficient_quota":
        return code
    return _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")


def _path(field: str) -> str:
    """Return ``messages.0.content`` as ``messages[0].content``."""
    first, *rest = field.split(".")
    return first + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in rest)
