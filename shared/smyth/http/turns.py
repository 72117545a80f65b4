"""What prompt, chat and stream have in common: the turn, the answer, the failures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from smyth.connectors.models.port import ErrorKind, Message, ModelError
from smyth.conversation import ConversationError, Turn
from smyth.conversation.attachments import Holder
from smyth.engine import Limits
from smyth.http.asks import Ask
from smyth.http.attachments import attachments_of
from smyth.http.billing import COST_HEADER, Charge
from smyth.http.caller import Caller
from smyth.http.problems import Problem
from smyth.http.services import services
from smyth.platform.acl import Asker

#: What the answer needs once the background branches of skills are done, or cancelled.
_ANSWER_S = 1.0


async def open_turn(
    caller: Caller,
    agent_id: str,
    ask: Ask,
    charge: Charge,
    history: Sequence[Message] = (),
    *,
    seconds: float | None = None,
) -> Turn:
    """Return the turn that ``ask`` wants, checked; what it uses goes on ``charge``.

    Args:
        caller: Whose agent it is.
        agent_id: Which one.
        ask: What is wanted.
        charge: Who pays.
        history: What was said before.
        seconds: How long the turn may take; None: nobody ends it.

    Raises:
        NotFound: The tenant has no such agent.
        Forbidden: The caller may not read the agent.
        Problem: The model is unknown, the message does not fit into it, or a file cannot be had.
    """
    _, plan = await asyncio.to_thread(services().agents.plan, caller.tenant_id, agent_id, Asker.of(caller))
    ports = services().ports(
        caller.tenant_id,
        public_url=caller.public_url,
        seconds_left=seconds,
        allowance=charge.allowance,
        depth=charge.depth,
    )
    turn = Turn(
        plan,
        ask.message,
        ports,
        history=history,
        model=ask.model,
        session_id=ask.session,
        variables=ask.variables,
        limits=run_limits(caller, seconds),
        options=ask.options(),
        instructions=ask.instructions,
        max_tool_calls=ask.max_tool_calls,
    )
    charge.usage = turn.usage
    with failures_told():
        turn.check()
        turn.attachments = await attachments_of(caller, ask.files, Holder(plan.agent_id, plan.team_id, ports))
    return turn


def run_limits(caller: Caller, seconds: float | None) -> Limits:
    """Return what each run of a skill may use up; its background branches end in time for the answer to go out."""
    limits = services().limits(caller.plan)
    return limits if seconds is None else replace(limits, branch_seconds=max(0.0, seconds - _ANSWER_S))


def answer(turn: Turn, charge: Charge) -> dict[str, Any]:
    """Return what a finished turn is answered with."""
    told: dict[str, Any] = {
        "output": turn.output,
        "tool_calls": turn.tool_calls,
        "model": turn.model_name,
        "finish_reason": turn.reason,
        "usage": turn.used.tokens,
        "cost": charge.headers()[COST_HEADER],
        "request_id": charge.request_id,
    }
    if turn.warnings:
        told["warnings"] = turn.warnings
    if turn.guardrails:
        told["guardrails"] = [action.as_json() for action in turn.guardrails]
    return told


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn a turn's failures into problems."""
    try:
        yield
    except (ModelError, ConversationError) as error:
        raise problem_of(error) from error


_STATUS: dict[ErrorKind, tuple[int, str]] = {
    "unknown_model": (422, "unknown_model"),
    "invalid_request": (422, "model_refused"),
    "credentials": (424, "model_credentials"),
    "rate_limited": (503, "model_busy"),
    "timeout": (504, "model_timeout"),
    "provider": (502, "model_failed"),
    "budget": (402, "budget_exceeded"),
}


def problem_of(error: ModelError | ConversationError) -> Problem:
    """Return the problem that tells of a turn's failure."""
    if isinstance(error, ConversationError):
        return Problem(422, error.code, str(error))
    status, code = _STATUS[error.kind]
    headers = {"retry-after": "5"} if error.kind == "rate_limited" else {}
    return Problem(status, code, str(error), headers=headers)
