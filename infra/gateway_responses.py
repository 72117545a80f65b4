"""Errors that API Gateway answers by itself, in the form of every other error of ours (RFC 9457)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One of API Gateway's own answers."""

    #: None, for the two catch-all kinds: the error's own status.
    status: int | None
    #: The stable word for programs, as the functions' own errors have it.
    code: str
    detail: str
    retry_after_s: int | None = None

    def parameters(self) -> dict[str, str]:
        """Response headers, as API Gateway writes literals."""
        headers = {
            "Content-Type": "'application/problem+json'",
            "x-request-id": "method.request.header.x-amzn-RequestId",
        }
        if self.retry_after_s:
            headers["Retry-After"] = f"'{self.retry_after_s}'"
        return {f"gatewayresponse.header.{name}": value for name, value in headers.items()}

    def templates(self) -> dict[str, str]:
        """The body. Only variables without the caller's own words: API Gateway does not escape them."""
        title = HTTPStatus(self.status).phrase if self.status else "Error at the gateway"
        body: dict[str, object] = {"type": f"urn:smyth:problem:{self.code}", "title": title}
        if self.status:
            body["status"] = self.status
        body |= {"detail": self.detail, "instance": "$context.resourcePath", "request_id": "$context.requestId"}
        return {"application/json": json.dumps(body | {"error": self._as_openai_has_it()})}

    def _as_openai_has_it(self) -> dict[str, str | None]:
        """A further member that OpenAI's clients read: the gateway has one answer for all routes."""
        ours = self.code == "internal" or (self.status or 0) >= 500
        code = _OPENAI_CODES.get(self.code, self.code)
        kind = "server_error" if ours else _OPENAI_TYPES.get(code, "invalid_request_error")
        return {"message": self.detail, "type": kind, "param": None, "code": code}


_OPENAI_CODES = {
    "invalid": "invalid_value",
    "unauthorized": "invalid_api_key",
    "throttled": "rate_limit_exceeded",
    "quota_exceeded": "insufficient_quota",
}
_OPENAI_TYPES = {
    "invalid_api_key": "authentication_error",
    "forbidden": "permission_error",
    "rate_limit_exceeded": "requests",
    "too_many_attempts": "requests",
    "insufficient_quota": "insufficient_quota",
}

_KEY = "Send a valid key as 'x-api-key: <key>' or 'Authorization: Bearer <key>'."
_OURS = "The fault is on our side and nothing was billed. Try again; if it stays, tell the operator the request_id."

GATEWAY_RESPONSES: dict[str, GatewayResponse] = {
    "UNAUTHORIZED": GatewayResponse(401, "unauthorized", f"The key is missing or unknown. {_KEY}"),
    "EXPIRED_TOKEN": GatewayResponse(401, "unauthorized", f"The key has expired. {_KEY}"),
    "INVALID_SIGNATURE": GatewayResponse(401, "unauthorized", f"Signed requests are not taken. {_KEY}"),
    # The authorizer denies nothing else; what a key may do is told by the functions.
    "ACCESS_DENIED": GatewayResponse(
        429,
        "too_many_attempts",
        "Too many unknown keys came from your address. Wait a minute, then send a valid key.",
        60,
    ),
    "INVALID_API_KEY": GatewayResponse(
        403,
        "forbidden",
        "This key belongs to no plan, and billable routes need one. Use a tenant's key, not the operator's.",
    ),
    "WAF_FILTERED": GatewayResponse(
        403, "forbidden", "The firewall refused this request. Tell the operator the request_id."
    ),
    # So API Gateway calls a route that it does not know.
    "MISSING_AUTHENTICATION_TOKEN": GatewayResponse(
        404, "not_found", "There is no such route. See /docs for those there are."
    ),
    "RESOURCE_NOT_FOUND": GatewayResponse(404, "not_found", "There is no such route. See /docs for those there are."),
    "BAD_REQUEST_BODY": GatewayResponse(
        400, "invalid", "The body does not fit this route. See /docs for what it takes."
    ),
    "BAD_REQUEST_PARAMETERS": GatewayResponse(
        400, "invalid", "A parameter is missing or wrong. See /docs for what the route takes."
    ),
    "UNSUPPORTED_MEDIA_TYPE": GatewayResponse(
        415, "unsupported_media_type", "This content type is not taken. See /docs for what the route takes."
    ),
    "REQUEST_TOO_LARGE": GatewayResponse(
        413,
        "too_large",
        "The request is over the gateway's 10 MB. Upload big files by the address that /api/storage/upload gives.",
    ),
    "THROTTLED": GatewayResponse(
        429, "throttled", "Too many requests at once for this plan. Wait a moment, then try again.", 1
    ),
    "QUOTA_EXCEEDED": GatewayResponse(
        429, "quota_exceeded", "The plan's requests of this month are used up. They renew on the first."
    ),
    "AUTHORIZER_FAILURE": GatewayResponse(500, "internal", f"The key could not be checked. {_OURS}"),
    "AUTHORIZER_CONFIGURATION_ERROR": GatewayResponse(500, "internal", f"The key could not be checked. {_OURS}"),
    "API_CONFIGURATION_ERROR": GatewayResponse(500, "internal", f"The route is set up wrongly. {_OURS}"),
    "INTEGRATION_FAILURE": GatewayResponse(502, "internal", f"The function failed. {_OURS}"),
    "INTEGRATION_TIMEOUT": GatewayResponse(
        504, "timeout", "The answer took too long. Use the stream route for long answers."
    ),
    "DEFAULT_4XX": GatewayResponse(
        None, "refused", "The gateway refused this request. See /docs for what the route takes."
    ),
    "DEFAULT_5XX": GatewayResponse(None, "internal", f"The gateway failed. {_OURS}"),
}
