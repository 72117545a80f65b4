"""The web server that a laptop's user sees: clean addresses in front of the emulated API Gateway."""

from __future__ import annotations

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from ulid import ULID

from smyth.http.openai.errors import error_response
from smyth.http.problems import Problem, problem_response
from smyth.local import requests
from smyth.local.authorizer import Authorizer
from smyth.local.deploy import Deployed
from smyth.local.gaps import integration_failure
from smyth.local.gaps.response_streaming import StreamFunctions
from smyth.local.gaps.usage_identifier import UsageIdentifiers
from smyth.local.in_flight import InFlight
from smyth.platform.access import chosen_tenant
from smyth.platform.routes import Route

#: API Gateway gives a function 29 s; a cold worker on a busy laptop needs some more to start.
_ANSWER_SECONDS = 60.0


class Front:
    """An ASGI app that passes requests on to the deployed stack."""

    def __init__(self, *, emulator_url: str, deployed: Deployed, streams: StreamFunctions) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        self._http = httpx.AsyncClient(timeout=_ANSWER_SECONDS, limits=limits, trust_env=False)
        self._stage_url = httpx.URL(f"{emulator_url}/_aws/execute-api/{deployed.api_id}/{deployed.stage}")
        self._authorizer = Authorizer(self._http, emulator_url, deployed)
        self._identifiers = UsageIdentifiers(self._authorizer)
        self._streams = streams
        self._in_flight = InFlight()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Problem as problem:
            request_id = str(ULID())
            respond = error_response if request.url.path.startswith("/v1/") else problem_response
            response = respond(problem, instance=request.url.path, request_id=request_id)
            response.headers["x-request-id"] = request_id
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        requests.check_path(request.scope["raw_path"])
        if request.method not in requests.METHODS:
            allowed = ", ".join(requests.METHODS)
            raise Problem(405, "method_not_allowed", f"Use one of {allowed}.", headers={"allow": allowed})
        route = requests.find_route(request.method, request.url.path)
        key = requests.caller_key(request.headers)
        if route is not None and route.stream:
            return await self._streams.answer(request, route=route, key=key, authorizer=self._authorizer)
        body = await requests.read_body(request)
        function = route.function if route else ""
        async with self._in_flight.slot(function):
            headers = requests.passed_headers(request) + await self._key_headers(request, route, key)
            answer = await self._pass_on(request, headers, body)
        integration_failure.check(answer, function)
        response = Response(answer.content, answer.status_code)
        for name, value in requests.returned_headers(answer.headers.multi_items()):
            response.headers.append(name, value)
        return response

    async def _key_headers(self, request: Request, route: Route | None, key: str | None) -> list[tuple[str, str]]:
        if key is None:
            return []
        headers = [("authorization", f"Bearer {key}")]
        if route is not None and route.billable:
            source_ip = requests.source_ip(request)
            identifier = await self._identifiers.of(
                key,
                route=route,
                path=request.url.path,
                source_ip=source_ip,
                tenant_id=chosen_tenant(request.headers),
            )
            headers.append(("x-api-key", identifier))
        return headers

    async def _pass_on(self, request: Request, headers: list[tuple[str, str]], body: bytes) -> httpx.Response:
        query = requests.passed_query(request.url.query)
        raw_path = self._stage_url.raw_path + request.scope["raw_path"] + (f"?{query}".encode() if query else b"")
        url = self._stage_url.copy_with(raw_path=raw_path)
        try:
            return await self._http.request(request.method, url, headers=headers, content=body)
        except httpx.TimeoutException:
            raise Problem(504, "timeout", "The answer took too long. Use the stream route for long answers.") from None
        except httpx.TransportError:
            raise Problem(502, "cloud_gone", "The laptop cloud does not answer. See logs/emulator.log.") from None

    async def close(self) -> None:
        """Close the connections to the emulator."""
        await self._http.aclose()
