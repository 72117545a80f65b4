"""The server that answers one message about one agent."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import mcp_types as types
from fastapi import Request
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from smyth.conversation.skills import skills_of, system_text
from smyth.http.audit import record_refusal
from smyth.http.caller import Caller
from smyth.http.mcp.calls import call_tool
from smyth.http.mcp.resources import AgentResources
from smyth.http.mcp.tools import tools_of
from smyth.http.problems import Problem, to_problem
from smyth.http.services import services
from smyth.platform.agent_records import Agent
from smyth.platform.errors import PlatformError

if TYPE_CHECKING:
    from mcp.server import ServerRequestContext

    from smyth.engine import Plan

logger = logging.getLogger(__name__)

Handler = Callable[["AgentServer", "ServerRequestContext[Any]", Any], Awaitable[Any]]

#: Statuses that say that the request is at fault; the protocol has a word for it.
_CALLERS_FAULT = {400, 404, 413, 422}


def _told(handler: Handler) -> Handler:
    """Let a handler's failures reach the client as errors that say what happened and what to do."""

    @wraps(handler)
    async def told(self: AgentServer, context: ServerRequestContext[Any], params: Any) -> Any:
        try:
            return await handler(self, context, params)
        except MCPError:
            raise
        except (Problem, PlatformError) as error:
            problem = to_problem(error)
            await record_refusal(self._request, problem.status, problem.code)
            raise error_of(problem) from error
        except Exception as error:
            logger.exception("an MCP request failed")
            raise error_of(to_problem(error)) from error

    return told


def error_of(problem: Problem) -> MCPError:
    """Return a problem as an error of the protocol, with the members of its document as data."""
    code = types.INVALID_PARAMS if problem.status in _CALLERS_FAULT else problem.status
    if problem.status >= 500:
        code = types.INTERNAL_ERROR
    data: dict[str, Any] = {"type": f"urn:smyth:problem:{problem.code}", "status": problem.status}
    if "retry-after" in problem.headers:
        data["retry_after"] = int(problem.headers["retry-after"])
    return MCPError(code, problem.detail, data)


class AgentServer:
    """What an agent offers to one caller."""

    def __init__(self, request: Request, caller: Caller, agent: Agent, plan: Plan) -> None:
        self._request = request
        self._caller = caller
        self._agent = agent
        self._plan = plan

    def build(self) -> Server[Any]:
        """Return the server, made anew for each message: it knows who sent it."""
        return Server(
            self._agent.name,
            version=str(self._agent.published_version or self._agent.version),
            title=self._agent.name,
            instructions=self._agent.description or None,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
        )

    @_told
    async def _list_tools(self, context: ServerRequestContext[Any], params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools_of(self._plan.document))

    @_told
    async def _call_tool(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        skill = skills_of(self._plan.document).get(params.name)
        if skill is None:
            raise MCPError(
                types.INVALID_PARAMS, f"Unknown tool: {params.name[:200]}. tools/list names those there are."
            )
        return await call_tool(
            self._request,
            self._caller,
            self._agent,
            self._plan,
            skill,
            params.arguments or {},
            tell=context.session.report_progress,
        )

    @_told
    async def _list_resources(
        self, context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return await self._resources().page(params.cursor or "" if params else "")

    @_told
    async def _list_templates(
        self, context: ServerRequestContext[Any], params: Any
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=self._resources().templates())

    @_told
    async def _read_resource(
        self, context: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        return await self._resources().read(params.uri)

    @_told
    async def _list_prompts(self, context: ServerRequestContext[Any], params: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[self._prompt()])

    @_told
    async def _get_prompt(
        self, context: ServerRequestContext[Any], params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        prompt = self._prompt()
        if params.name != prompt.name:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name[:200]}. There is one: {prompt.name}.")
        texts = [system_text(self._plan.document), (params.arguments or {}).get("message", "")]
        said = [types.TextContent(type="text", text=text) for text in texts if text.strip()]
        messages = [types.PromptMessage(role="user", content=one) for one in said]
        return types.GetPromptResult(description=prompt.description, messages=messages)

    def _prompt(self) -> types.Prompt:
        """Return the one prompt: to be what the agent is."""
        message = types.PromptArgument(name="message", description="What to say to the agent.", required=False)
        about = self._agent.description or f"Makes the model behave as {self._agent.name} does."
        return types.Prompt(name=self._agent.slug, title=self._agent.name, description=about, arguments=[message])

    def _resources(self) -> AgentResources:
        files = services().ports(self._caller.tenant_id, public_url=self._caller.public_url).files
        return AgentResources(self._caller, self._agent.id, files)
