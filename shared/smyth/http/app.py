"""The web app that every function serves, and its Lambda entry point."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from smyth.http import problems
from smyth.http.audit import Audited
from smyth.http.problems import ProblemResponse, problem_response

#: What one Lambda invocation can carry.
MAX_BODY_BYTES = 6 * 1024 * 1024
#: The type of texts with a JSON value a line.
JSON_LINES = "application/x-ndjson"

logger = Logger(service="smyth")

LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


def create_app(
    title: str, *, max_body_bytes: int = MAX_BODY_BYTES, respond: ProblemResponse = problem_response
) -> FastAPI:
    """Return an app with problem documents, request ids, a size limit and one log line per request.

    Args:
        title: What it is.
        max_body_bytes: Of a request.
        respond: Writes problems, where they are to have another shape.
    """
    # The contract is one document made from the route table; a function's own would tell only a part of it.
    app = FastAPI(title=title, openapi_url=None)
    problems.install(app, respond)
    app.add_middleware(Audited)
    app.add_middleware(_Envelope, max_body_bytes=max_body_bytes, respond=respond)
    return app


def lambda_handler(app: FastAPI) -> LambdaHandler:
    """Return the function that Lambda calls with an API Gateway proxy event."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        from smyth.http.priming import prime_for_snapshot  # It knows the model library.

        prime_for_snapshot(app)
    adapter = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, problems.MEDIA_TYPE, JSON_LINES])

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        _ensure_event_loop()
        return adapter(event, context)

    return handle


def _ensure_event_loop() -> None:
    """Give the thread an event loop where it has none, as a test's thread or a later Python."""
    try:
        asyncio.get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(asyncio.new_event_loop())


class _Envelope:
    """Around every request: its id, its log line, the limit of its body, and an answer even when the app failed."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, respond: ProblemResponse) -> None:
        self.app = app
        self._max_body_bytes = max_body_bytes
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = str(ULID())
        scope["smyth.request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        try:
            await self.app(scope, self._limited(scope, receive), send_with_id)
        except Exception as error:
            logger.exception("request failed", request_id=request_id, error=type(error).__name__)
            if status:  # The answer had begun; it can only be cut off.
                raise
            problem = problems.to_problem(error)
            response = self._respond(problem, instance=scope["path"], request_id=request_id)
            await response(scope, receive, send_with_id)
        finally:
            _log(scope, request_id, status, time.perf_counter() - started)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Return ``receive`` with an end: what is announced as too large is not read at all."""
        announced = Headers(scope=scope).get("content-length", "")
        too_large = announced.isdecimal() and int(announced[:20]) > self._max_body_bytes
        read = 0

        async def limited() -> Message:
            nonlocal read
            if too_large:
                raise HTTPException(413)
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_body_bytes:
                raise HTTPException(413)
            return message

        return limited


def _log(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    """Write the request's one line; nothing of its content, which may hold secrets."""
    event = scope.get("aws.event") or {}
    context = event.get("requestContext") or {}
    logger.info(
        "request",
        request_id=request_id,
        gateway_request_id=context.get("requestId"),
        tenant_id=(context.get("authorizer") or {}).get("tenant_id"),
        method=scope["method"],
        route=getattr(scope.get("route"), "path", None),
        status=status,
        ms=round(seconds * 1000, 1),
    )
