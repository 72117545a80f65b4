"""Run an agent's endpoint for a caller who pays: by its own route, or as a tool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import Request

from smyth.http.billing import Charge, seconds_left
from smyth.http.caller import Caller
from smyth.http.problems import Problem
from smyth.http.services import services

if TYPE_CHECKING:
    from smyth.components.base import Request as AgentRequest
    from smyth.engine import Plan

#: What the answer of a run needs when its branches are done, or cancelled.
_ANSWER_S = 1.0


async def run_agent(
    request: Request,
    caller: Caller,
    charge: Charge,
    plan: Plan,
    asked: AgentRequest,
    *,
    session_id: str | None = None,
    passthrough: Callable[[str], None] | None = None,
    expand_caller_data: bool = True,
) -> Any:
    """Answer a request with a run; see :func:`run_plan`. The request says how much time is left."""
    return await run_plan(
        caller,
        charge,
        plan,
        asked,
        seconds=seconds_left(request),
        session_id=session_id,
        passthrough=passthrough,
        expand_caller_data=expand_caller_data,
    )


async def run_plan(
    caller: Caller,
    charge: Charge,
    plan: Plan,
    asked: AgentRequest,
    *,
    seconds: float | None,
    session_id: str | None = None,
    passthrough: Callable[[str], None] | None = None,
    expand_caller_data: bool = True,
) -> Any:
    """Return what the agent answers; what the run uses goes on ``charge`` while it goes on.

    Args:
        caller: Whose agent it is.
        charge: Who pays.
        plan: The agent.
        asked: What the agent gets.
        seconds: How long the run may take; None: nobody ends it.
        session_id: Ties together what the agent remembers between runs.
        passthrough: Receives text that the agent's models pass on while they run.
        expand_caller_data: Whether templates in what was sent are filled; not where a model wrote it.

    Raises:
        Problem: The run was ended before its workflow was.
    """
    from smyth.engine import run

    limits = services().limits(caller.plan)
    limits = replace(
        limits,
        branch_seconds=None if seconds is None else max(0.0, seconds - _ANSWER_S),
        expand_caller_data=limits.expand_caller_data and expand_caller_data,
    )
    ports = services().ports(
        caller.tenant_id,
        public_url=caller.public_url,
        seconds_left=seconds,
        allowance=charge.allowance,
        depth=charge.depth,
    )
    result = await run(
        plan,
        asked,
        ports=ports,
        session_id=session_id,
        limits=limits,
        passthrough=passthrough,
        usage=charge.usage,
    )
    if result.failed:
        raise Problem(422, "run_ended", str(result.data["error"]))
    return result.data
