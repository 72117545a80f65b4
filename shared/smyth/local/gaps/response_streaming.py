"""Gap: MiniStack's REST API does not stream responses.

In AWS the web apps of the stream functions run behind the Lambda Web Adapter. Here the same apps run in one child
process on a unix socket, with the environment of the deployed functions; the front asks the authorizer function and
hands over the request context in the adapter's header. The usage plan's throttle and quota are not applied to
streams here; the exact admission is.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from ulid import ULID

from smyth.http.caller import CONTEXT_HEADER
from smyth.http.problems import Problem
from smyth.local import requests
from smyth.local.assembly import PROJECT
from smyth.local.authorizer import Authorizer
from smyth.local.children import Child, child_environment, start_child
from smyth.local.emulator import ACCOUNT, client_environment
from smyth.local.folder import DataFolder, LocalCloudError
from smyth.platform.access import chosen_tenant
from smyth.platform.routes import Route

#: The system's limit on the path of a unix socket, less one.
_SOCKET_PATH_BYTES = 107
_SECONDS = 900.0


class StreamFunctions:
    """The stream functions' web apps, running in a child process."""

    child: Child

    def __init__(self, folder: DataFolder, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._path = _socket_path(folder)
        transport = httpx.AsyncHTTPTransport(uds=str(self._path))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://stream", timeout=_SECONDS)

    @classmethod
    async def start(cls, folder: DataFolder, *, emulator_url: str, environment: dict[str, str]) -> StreamFunctions:
        """Start the child; it takes requests at once and answers them as soon as it is up."""
        trust = {"SMYTH_TRUST_REQUEST_CONTEXT": "1"}  # Only the front reaches the socket.
        streams = cls(folder, environment | client_environment(emulator_url) | trust)
        streams.child = await streams._start_child()
        return streams

    async def _start_child(self) -> Child:
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen(128)
        return await start_child(
            "stream",
            ["-m", "smyth.local.stream_process", str(PROJECT / "functions")],
            folder=self._folder,
            listener=listener,
            environment=child_environment(**self._environment),
        )

    async def restart(self) -> None:
        """Start a new child for new streams, then end the old one."""
        old, self.child = self.child, await self._start_child()
        await old.stop()

    async def answer(self, request: Request, *, route: Route, key: str | None, authorizer: Authorizer) -> Response:
        """Authorize as API Gateway would and pass the stream through.

        Raises:
            Problem: 401 or 429, the caller may not.
        """
        body = await requests.read_body(request)
        context = await self._request_context(request, route=route, key=key, authorizer=authorizer)
        headers = [*requests.passed_headers(request), (CONTEXT_HEADER, json.dumps(context))]
        url = httpx.URL(
            self._http.base_url, path=request.url.path, query=requests.passed_query(request.url.query).encode()
        )
        sent = self._http.build_request(request.method, url, headers=headers, content=body)
        try:
            answer = await self._http.send(sent, stream=True)
        except httpx.TransportError:
            raise Problem(502, "function_failed", "The stream function does not answer. See logs/stream.log.") from None

        async def chunks() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()

        response = StreamingResponse(chunks(), answer.status_code)
        for name, value in requests.returned_headers(answer.headers.multi_items()):
            response.headers.append(name, value)
        return response

    async def _request_context(
        self, request: Request, *, route: Route, key: str | None, authorizer: Authorizer
    ) -> dict[str, object]:
        """The request context that API Gateway would give the function."""
        source_ip = requests.source_ip(request)
        verdict = await authorizer.ask(
            key,
            method=request.method,
            path=request.url.path,
            resource=route.path,
            source_ip=source_ip,
            tenant_id=chosen_tenant(request.headers),
        )
        if verdict is None:
            raise Problem(
                401, "unauthorized", "The key is missing or unknown. Send it as x-api-key or Authorization: Bearer."
            )
        if not verdict.allowed:
            raise Problem(429, "too_many_attempts", "Too many unknown keys came from your address. Wait a minute.")
        return {
            "requestId": str(ULID()),
            "accountId": ACCOUNT,
            "httpMethod": request.method,
            "resourcePath": route.path,
            "path": request.url.path,
            "identity": {"sourceIp": source_ip, "userAgent": request.headers.get("user-agent", "")},
            "authorizer": verdict.context,
        }

    async def stop(self) -> None:
        """End the child and the connections to it."""
        await self._http.aclose()
        await self.child.stop()
        self._path.unlink(missing_ok=True)


def _socket_path(folder: DataFolder) -> Path:
    """The shorter of the socket's paths, relative or absolute, for sockets take only short ones."""
    absolute = str(folder.root.absolute() / "stream.sock")
    path = min(absolute, os.path.relpath(absolute), key=len)
    if len(path.encode()) > _SOCKET_PATH_BYTES:
        raise LocalCloudError(f"the path of {folder.root} is too long for a socket; choose a shorter --data")
    return Path(path)
