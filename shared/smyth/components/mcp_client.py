"""MCPClient: let a model answer with the tools of an MCP server (COMPONENTS section 9)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components import base
from smyth.components._asking import AskingSettings, conversations, question
from smyth.components._filling import filled
from smyth.components._services import credential
from smyth.components.base import Call, ComponentError, Port
from smyth.connectors.conversations.port import ConversationFailed

_FAILED = "Error on running MCP Client!\n"
_UNFILLED = "{{Prompt}}"


class Settings(AskingSettings):
    """Which server, and what its tools are for."""

    mcp_url: str = Field(
        alias="mcpUrl", min_length=1, max_length=2048, pattern=r"^https?://", description="URL of the MCP server."
    )
    token: str = Field(
        "", max_length=4096, description="Sent as bearer token where the server wants one; {{KEY(name)}} or an input."
    )
    prompt: str = Field(_UNFILLED, max_length=5000, description="What is asked; {{name}} stands for an input.")
    name: str = Field(max_length=500, description="Display name of the server.")


class MCPClient(base.Component):
    """Give a prompt to a model that may call the server's tools."""

    name = "MCPClient"
    title = "MCP Client"
    summary = "Lets a model answer a prompt with the tools of an MCP server."
    Settings = Settings
    inputs = (Port("Prompt", description="What is asked."),)
    outputs = (Port("Output", "Text", "The answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        from smyth.connectors.mcp.client import McpError, tools_of

        prompt = filled(call.settings.prompt or _UNFILLED, call)
        if not prompt or prompt == _UNFILLED:
            raise ComponentError("Please provide a prompt")
        token = call.settings.token and await credential(call, call.settings.token, otherwise=f"{_FAILED}No token.")
        partner = conversations(call)
        failed: ConversationFailed | None = None
        answer = ""
        try:
            async with tools_of(call.settings.mcp_url, call.run.ports.http, token) as tools:
                try:
                    answer = await partner.with_tools(question(call, prompt), tools)
                except ConversationFailed as error:
                    failed = error  # the connection would wrap it on its way out
        except McpError as error:
            raise ComponentError(f"{_FAILED}{error}") from error
        if failed is not None:
            raise ComponentError(f"{_FAILED}{failed}")
        return {"Output": answer}
