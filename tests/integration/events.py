"""API Gateway REST (v1) proxy events, and the answers of handlers to them."""

from __future__ import annotations

import base64
import importlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ulid import ULID

from smyth.platform.routes import ROUTES

Context = dict[str, str]


def caller_context(
    tenant_id: str | None = None,
    *,
    role: str = "owner",
    plan: str = "enterprise",
    key_id: str = "",
    agents: list[str] | None = None,
    routes: list[str] | None = None,
    limits: dict[str, int | None] | None = None,
    status: str = "active",
) -> Context:
    """What the authorizer puts into the request context; without a tenant id a tenant of its own."""
    return {
        "tenant_id": new_tenant_id() if tenant_id is None else tenant_id,
        "role": role,
        "plan": plan,
        "key_id": key_id or f"key-{str(ULID()).lower()}",
        "status": status,
        "limits": json.dumps(limits or {}),
        "agents": json.dumps(agents or []),
        "routes": json.dumps(routes or []),
    }


def new_tenant_id() -> str:
    """An id that no other test uses."""
    return f"ten-{str(ULID()).lower()}"


#: The operator belongs to no tenant.
OPERATOR: Context = {"tenant_id": "", "role": "operator", "plan": "", "key_id": "operator"}


def proxy_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: dict[str, str] | None = None,
    caller: Context | None = None,
) -> dict[str, Any]:
    """An event as API Gateway makes it.

    Args:
        method: The HTTP method.
        path: The path, with its query.
        body: Bytes travel as base64, text as it is, anything else as JSON.
        headers: Request headers beside the usual ones.
        caller: The authorizer's context, as from :func:`caller_context`.
    """
    url = urlsplit(path)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    all_headers = {"Host": "api.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}
    if body is not None and not isinstance(body, bytes | str):
        body = json.dumps(body)
        all_headers["Content-Type"] = "application/json"
    binary = isinstance(body, bytes)
    all_headers |= headers or {}
    resource, parameters = _match(method, url.path)
    return {
        "resource": resource,
        "path": url.path,
        "httpMethod": method,
        "headers": all_headers,
        "multiValueHeaders": {name: [value] for name, value in all_headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/v1{url.path}",
            "stage": "v1",
            "domainName": "api.example.com",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "tests"},
            "authorizer": {"principalId": caller["key_id"], "integrationLatency": 1, **caller} if caller else None,
        },
        "body": base64.b64encode(body).decode() if binary else body,
        "isBase64Encoded": binary,
    }


@dataclass(frozen=True)
class Answer:
    """What a handler answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


class LambdaContext:
    """What the runtime hands a handler beside the event."""

    function_name = "test"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Time enough."""
        return 29_000


def handler(function: str) -> Any:
    """The entry point of a function."""
    return importlib.import_module(f"functions.{function}.handler").handler


def call(
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: dict[str, str] | None = None,
    caller: Context | None = None,
    function: str | None = None,
) -> Answer:
    """Send a request to the function that the route table names, through its handler."""
    event = proxy_event(method, path, body=body, headers=headers, caller=caller)
    name = function or next(
        route.function for route in ROUTES if (route.method, route.path) == (method, event["resource"])
    )
    raw = handler(name)(event, LambdaContext())
    content = base64.b64decode(raw["body"]) if raw["isBase64Encoded"] else raw["body"].encode()
    joined = {header: ",".join(values) for header, values in (raw.get("multiValueHeaders") or {}).items()}
    return Answer(raw["statusCode"], joined | raw["headers"], content)


def _match(method: str, path: str) -> tuple[str, dict[str, str]]:
    """Find the route of a path as API Gateway does: fixed parts win over parameters."""
    found: list[tuple[int, str, dict[str, str]]] = []
    parts = path.split("/")
    for route in ROUTES:
        pattern = route.path.split("/")
        pairs = list(zip(pattern, parts, strict=False))
        if route.method == method and len(pattern) == len(parts) and all(a == b or a[:1] == "{" for a, b in pairs):
            parameters = {a[1:-1]: b for a, b in pairs if a[:1] == "{"}
            found.append((len(parameters), route.path, parameters))
    if not found:
        return path, {}
    _, resource, parameters = min(found, key=lambda one: one[0])
    return resource, parameters
