"""A call of a tool: a run of the skill, billed as its run endpoint is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import Request, Response
from mcp_types import CallToolResult, TextContent

from smyth.conversation.skills import Skill
from smyth.http.billing import COST_HEADER, REMAINING_HEADER, Charge, billed
from smyth.http.caller import Caller
from smyth.http.mcp.tools import faults_of, request_of, result_of
from smyth.http.problems import Problem
from smyth.http.run_inputs import session_of
from smyth.http.runs import run_agent
from smyth.platform.agent_records import Agent

if TYPE_CHECKING:
    from smyth.engine import Plan

logger = logging.getLogger(__name__)

#: Tells the client how far a call is: a number that grows, a total, a message.
Tell = Callable[[float, float | None, str | None], Awaitable[None]]


async def call_tool(
    request: Request,
    caller: Caller,
    agent: Agent,
    plan: Plan,
    skill: Skill,
    arguments: dict[str, Any],
    *,
    tell: Tell,
) -> CallToolResult:
    """Run a skill for a caller who pays.

    Args:
        request: What came in.
        caller: Who pays.
        agent: The agent.
        plan: The agent, ready to run.
        skill: The skill.
        arguments: For the skill.
        tell: Gets the text that the skill's models pass on while they run.

    Raises:
        PlatformError: The plan has no request left; nothing was run.
    """
    if faults := faults_of(skill, arguments):
        return _failure(faults)
    session_id = session_of(request)
    said: asyncio.Queue[str | None] = asyncio.Queue()

    async def work(charge: Charge) -> dict[str, Any]:
        answer = await run_agent(
            request,
            caller,
            charge,
            plan,
            request_of(skill, arguments),
            session_id=session_id,
            passthrough=said.put_nowait,
            # A model writes the arguments, and what a model says is no template (PROTOCOL oddity 41).
            expand_caller_data=False,
        )
        return result_of(answer)

    teller = asyncio.create_task(_tell(said, tell))
    try:
        response = await _apart(billed(request, caller, work, agent_id=agent.id))
        said.put_nowait(None)
        await teller
    except Problem as problem:
        return _failure(problem.detail)
    finally:
        teller.cancel()
    result = CallToolResult.model_validate_json(bytes(response.body))
    result.meta = {
        "smyth/request-id": request.scope["smyth.request_id"],
        "smyth/cost": response.headers[COST_HEADER],
        "smyth/requests-remaining": response.headers[REMAINING_HEADER],
    }
    return result


async def _tell(said: asyncio.Queue[str | None], tell: Tell) -> None:
    """Pass on what is said up to None; the protocol wants a number that grows with each piece."""
    number = 0
    try:
        while (text := await said.get()) is not None:
            number += 1
            await tell(number, None, text)
    except Exception:  # News that nobody hears are no reason to lose the answer.
        logger.exception("the progress of a tool could not be told")


async def _apart(work: Coroutine[Any, Any, Response]) -> Response:
    """Do the work in a task of its own, which has its time to bill when the client goes away.

    The protocol's server cancels again whatever awaits after it was cancelled.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({task})
        raise


def _failure(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
