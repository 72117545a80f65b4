"""Use the tools of an MCP server: streamable HTTP first, the older SSE where a server only knows that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from smyth.connectors.conversations.port import Tool

if TYPE_CHECKING:
    from mcp.client import Client

    from smyth.connectors.http.port import HttpPort
    from smyth.connectors.mcp.transport import PortTransport

#: With these a server says that it does not take streamable HTTP at this address.
_OTHER_TRANSPORT = {400, 404, 405}
_MOST_PAGES = 20


class McpError(Exception):
    """The server cannot be used; the text says why and what to do."""


class ToolFailed(Exception):
    """A tool says that it failed; the text is its own."""


@asynccontextmanager
async def tools_of(url: str, http: HttpPort, token: str = "") -> AsyncIterator[list[Tool]]:
    """Connect to the server at ``url`` and hand over its tools for as long as the context lasts.

    A ``token`` is sent as bearer token.

    What is raised inside the context may come out in an exception group.

    Raises:
        McpError: The server cannot be reached, or speaks no MCP.
    """
    from smyth.connectors.mcp.transport import PortTransport

    transport = PortTransport(http)
    sent = {"authorization": f"Bearer {token}"} if token else {}
    async with AsyncExitStack() as held:
        try:
            client = await _connected(held, url, transport, sent)
            tools = [_as_tool(client, tool) for tool in await _listed(client)]
        except Exception as error:
            raise McpError(_told(transport, error)) from error
        yield tools


async def _connected(held: AsyncExitStack, url: str, transport: PortTransport, headers: dict[str, str]) -> Client:
    import httpx2
    from mcp.client import Client
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client

    def make_client(
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=transport, headers=headers, timeout=timeout, auth=auth)

    try:
        return await held.enter_async_context(Client(streamable_http_client(url, http_client=make_client(headers))))
    except Exception:
        if transport.refused not in _OTHER_TRANSPORT:
            raise
    return await held.enter_async_context(Client(sse_client(url, headers=headers, httpx_client_factory=make_client)))


async def _listed(client: Client) -> list[Any]:
    """Return the server's tools, page by page."""
    page = await client.list_tools()
    tools = list(page.tools)
    for _ in range(_MOST_PAGES):
        if page.next_cursor is None:
            break
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    return tools


def _as_tool(client: Client, tool: Any) -> Tool:
    async def call(arguments: dict[str, Any]) -> Any:
        from mcp.shared.exceptions import MCPError

        try:
            result = await client.call_tool(tool.name, arguments)
        except MCPError as error:
            raise ToolFailed(error.message) from error
        text = "\n".join(map(_text, result.content))
        if result.is_error:
            raise ToolFailed(text or "The tool failed and does not say why.")
        return text if text or result.structured_content is None else result.structured_content

    schema = {"type": "object", "properties": {}} | tool.input_schema
    return Tool(tool.name, tool.description or "", schema, call)


def _text(block: Any) -> str:
    """Return a piece of a result as a model can read it."""
    if block.type == "text":
        return str(block.text)
    if block.type == "resource" and getattr(block.resource, "text", None) is not None:
        return str(block.resource.text)
    return f"[{block.type}]"


def _told(transport: PortTransport, error: BaseException) -> str:
    from mcp.shared.exceptions import MCPError
    from mcp.types import PARSE_ERROR

    if transport.unreachable is not None:
        return str(transport.unreachable)
    if transport.refused == 406:
        return "The MCP server refuses the kinds of answers that its protocol asks for (406). Check the URL."
    if transport.refused is not None:
        return f"The MCP server refused with status code {transport.refused}. Check the URL."
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MCPError) and error.code != PARSE_ERROR:
        return f"The MCP server refused: {error.message}. Check the URL."
    return "What answers at this URL does not speak MCP. Check the URL."
