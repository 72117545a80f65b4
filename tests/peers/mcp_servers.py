"""MCP servers of the official package on this machine's sockets, for both of its HTTP transports."""

from __future__ import annotations

import logging
import threading
from typing import Any, Literal, Self

import uvicorn
from mcp.server.mcpserver import MCPServer


def _pantry() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("pantry", log_level="ERROR")

    @server.tool()
    def add(first: int, second: int) -> int:
        """Add two numbers."""
        return first + second

    @server.tool()
    def spoil(item: str) -> str:
        """Let something spoil."""
        raise ValueError(f"{item} is spoilt")

    @server.tool()
    def noop() -> None:
        """Do nothing."""

    return server


class McpServer:
    """Serves tools over one transport; use as a context manager."""

    def __init__(self, transport: Literal["http", "sse"]) -> None:
        server = _pantry()
        app = server.streamable_http_app() if transport == "http" else server.sse_app()
        self._path = "/mcp" if transport == "http" else "/sse"
        self._started = threading.Event()
        config = uvicorn.Config(app, port=0, log_level=logging.CRITICAL, timeout_graceful_shutdown=1)
        self._server = _Announcing(config, self._started)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def origin(self) -> str:
        """The server's address without a path."""
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    @property
    def url(self) -> str:
        """Where its tools are."""
        return self.origin + self._path

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._announce = started

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._announce.set()
