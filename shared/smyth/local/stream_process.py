"""The stream functions' own process: their web apps on a unix socket handed over by the parent.

One process for all of them: each would load the model library for itself.
Started as ``python -m smyth.local.stream_process <functions folder> <descriptor>``.
"""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import sys
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from smyth.local.children import ChildServer
from smyth.local.requests import find_route
from smyth.platform.routes import STREAMED


class StreamApps:
    """Hands each request to the app of the function that the route table names."""

    def __init__(self, functions: Path) -> None:
        self._apps = {name: _app(functions / name / "handler.py") for name in sorted(STREAMED)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        route = find_route(scope["method"], scope["path"])
        if route is None or not route.stream:
            raise LookupError(f"The front passed on {scope['method']} {scope['path']}, which is no streamed route.")
        await self._apps[route.function](scope, receive, send)


def _app(file: Path) -> ASGIApp:
    """Load a handler under a name of its own: all of them are called handler.py."""
    spec = importlib.util.spec_from_file_location(f"{file.parent.name}_handler", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: ASGIApp = module.app
    return app


def main(functions: str, descriptor: int) -> None:
    """Serve until SIGTERM."""
    server = ChildServer(StreamApps(Path(functions)), timeout_graceful_shutdown=3)
    asyncio.run(server.serve(sockets=[socket.socket(fileno=descriptor)]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
