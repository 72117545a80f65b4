"""The caller of a request, from what the authorizer said; never from what the client sent."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Depends, Request

from smyth.http.problems import Problem
from smyth.http.settings import settings
from smyth.platform.access import OPERATOR, Caller, authorize

__all__ = ["AnyCaller", "Caller", "OperatorCaller", "PersonCaller", "TenantCaller"]

#: How the Lambda Web Adapter and the laptop's front hand the request context to a web app.
CONTEXT_HEADER = "x-amzn-request-context"
#: Request headers that no agent gets to see: an agent may have been written by anybody.
CREDENTIAL_HEADERS = {"authorization", "x-api-key", "cookie", CONTEXT_HEADER}


def source_ip(request: Request) -> str:
    """Return the address that ``request`` came from, as the gateway saw it."""
    return str((_request_context(request).get("identity") or {}).get("sourceIp", ""))


def known_caller(request: Request) -> Caller | None:
    """Return who sent ``request``; None when it came past the authorizer."""
    context = _request_context(request)
    return Caller.from_context(context.get("authorizer") or {}, source_ip(request), _public_url(request, context))


def read_caller(request: Request) -> Caller:
    """Return who sent ``request``.

    Raises:
        Problem: 401, the request came past the authorizer.
    """
    caller = known_caller(request)
    if caller is None:
        raise Problem(
            401, "unauthorized", "The request bears no known key. Send one as x-api-key or Authorization: Bearer."
        )
    return caller


# Coroutines, though they await nothing: FastAPI gives a plain function a thread, which costs more than the work.


async def any_caller(request: Request) -> Caller:
    """Return a caller who may call this route, of a tenant or the operator."""
    caller = read_caller(request)
    authorize(caller, request.method, request.scope["route"].path, request.path_params.get("agent_id"))
    return caller


async def tenant_caller(request: Request) -> Caller:
    """Return a caller who belongs to a tenant and may call this route."""
    caller = await any_caller(request)
    if not caller.tenant_id:
        raise Problem(403, "forbidden", "The operator's key belongs to no tenant. Use a key of the tenant you mean.")
    return caller


async def operator_caller(request: Request) -> Caller:
    """Return the operator."""
    caller = read_caller(request)
    if caller.role != OPERATOR:
        raise Problem(403, "forbidden", "Only the operator of this service may do this. Use the operator's key.")
    return caller


async def person_caller(request: Request) -> Caller:
    """Return somebody who signed in, member of a tenant or not."""
    caller = await any_caller(request)
    if not caller.subject:
        raise Problem(403, "forbidden", "Keys belong to tenants. Send the token that you get by signing in.")
    return caller


AnyCaller = Annotated[Caller, Depends(any_caller)]
TenantCaller = Annotated[Caller, Depends(tenant_caller)]
OperatorCaller = Annotated[Caller, Depends(operator_caller)]
PersonCaller = Annotated[Caller, Depends(person_caller)]


def _public_url(request: Request, context: dict[str, Any]) -> str:
    """Return where the caller found this service: the gateway's name, and the stage where it is part of the path."""
    if settings().trust_forwarded_host:
        host = request.headers.get("x-forwarded-host", "")
        return f"http://{host}" if host else ""
    domain, path = context.get("domainName") or "", context.get("path") or ""
    return f"https://{domain}{path.removesuffix(request.scope['path'])}" if domain else ""


def _request_context(request: Request) -> dict[str, Any]:
    event = request.scope.get("aws.event")
    if event is not None:
        return event.get("requestContext") or {}
    if settings().trust_request_context:
        return json.loads(request.headers.get(CONTEXT_HEADER, "{}"))  # type: ignore[no-any-return]
    return {}
