"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Protocol

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from smyth.platform.errors import Invalid, PlatformError

MEDIA_TYPE = "application/problem+json"
#: Where the code of the problem that answers a request is kept in the request's scope.
IN_SCOPE = "smyth.problem"

_CODES = {400: "not_json", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}
_ADVICE = {
    400: "The body could not be read. Send a JSON document that is not nested too deep.",
    404: "There is nothing at this address. The routes are listed in /openapi.json.",
    405: "This address does not know the method. The Allow header lists those that it knows.",
    413: "The body is too large for one request. Send less, or upload a large file with a presigned upload.",
}


class Problem(Exception):
    """Answers the request with a problem document.

    Attributes:
        status: The HTTP status.
        code: A stable word for programs.
        detail: What happened and what to do, for people.
        errors: The single faults of a request that failed validation.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


class ProblemResponse(Protocol):
    """Writes a problem as a response."""

    def __call__(self, problem: Problem, *, instance: str, request_id: str) -> Response:
        """Return the response to the request for ``instance``."""
        ...


def to_problem(error: Exception) -> Problem:
    """Return the problem that tells the caller of ``error``; what is unknown becomes a bare 500."""
    match error:
        case Problem():
            return error
        case PlatformError():
            headers = {"retry-after": str(error.retry_after_s)} if error.retry_after_s is not None else {}
            errors = error.errors if isinstance(error, Invalid) else None
            return Problem(error.status, error.code, error.detail, errors or None, headers)
        case RequestValidationError():
            return _from_validation(error)
        case HTTPException():
            code = _CODES.get(error.status_code, "http_error")
            detail = _ADVICE.get(error.status_code, str(error.detail))
            return Problem(error.status_code, code, detail, headers=dict(error.headers or {}))
    return Problem(500, "internal", "The request failed by our own fault and was not billed. Try again later.")


def problem_response(problem: Problem, *, instance: str, request_id: str) -> Response:
    """Return the document of ``problem`` as a response."""
    document: dict[str, Any] = {
        "type": f"urn:smyth:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
    }
    if problem.errors is not None:
        document["errors"] = problem.errors
    # ASCII: the detail may repeat what the caller sent, and that may be halves of characters.
    return Response(json.dumps(document), problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI, respond: ProblemResponse) -> None:
    """Let ``app`` answer every expected error as ``respond`` writes it."""

    async def answer(request: Request, error: Exception) -> Response:
        request_id = request.scope["smyth.request_id"]
        problem = to_problem(error)
        request.scope[IN_SCOPE] = problem.code
        return respond(problem, instance=request.url.path, request_id=request_id)

    for kind in (Problem, PlatformError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def _from_validation(error: RequestValidationError) -> Problem:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(
            400, "not_json", "The body is not JSON. Send a JSON document with Content-Type: application/json."
        )
    errors = [
        {
            "in": str(fault["loc"][0]) if fault["loc"] else "body",
            "field": ".".join(str(part) for part in fault["loc"][1:]),
            "code": fault["type"],
            "message": fault["msg"],
        }
        for fault in faults
    ]
    named = ", ".join(sorted({one["field"] or one["in"] for one in errors}))
    detail = f"The request is not valid: see errors for {named}."
    if any(one["in"] == "body" and not one["field"] for one in errors):
        detail += " The body must be a JSON object sent with Content-Type: application/json."
    return Problem(422, "invalid", detail, errors)
