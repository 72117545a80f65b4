"""A turn for a request of OpenAI's API, answered whole or as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from fastapi import Request, Response

from smyth.conversation import Turn
from smyth.http.billing import Charge, admit, billed, close_failed, our_fault, seconds_left
from smyth.http.caller import Caller
from smyth.http.event_stream import StreamedTurn
from smyth.http.openai.models import Served, find
from smyth.http.openai.wanted import Wanted
from smyth.http.services import services
from smyth.http.turns import failures_told, run_limits


class Body(Protocol):
    """A request for a turn."""

    model: str
    stream: bool | None

    def wanted(self) -> Wanted:
        """Return what the request asks for."""
        ...


B = TypeVar("B", bound=Body)


async def serve(
    request: Request,
    caller: Caller,
    body: B,
    *,
    whole: Callable[[Turn, Charge, B], dict[str, Any]],
    stream: Callable[[Turn, Charge, B], StreamedTurn],
) -> Response:
    """Answer with what the agent says, billed as every turn.

    Raises:
        Problem: There is no such agent, or the request cannot be done.
    """
    wanted = body.wanted()
    served = await find(caller, body.model)
    if body.stream:
        charge = await admit(request, caller, agent_id=served.agent.id)
        if charge.replay is not None:
            return charge.replay
        try:
            turn = await _open_turn(caller, served, wanted, charge)
        except BaseException as error:
            await close_failed(charge, our_fault=our_fault(error))
            raise
        return stream(turn, charge, body)

    async def work(charge: Charge) -> dict[str, Any]:
        turn = await _open_turn(caller, served, wanted, charge, seconds_left(request))
        with failures_told():
            await turn.run()
        return whole(turn, charge, body)

    return await billed(request, caller, work, agent_id=served.agent.id)


async def _open_turn(
    caller: Caller, served: Served, wanted: Wanted, charge: Charge, seconds: float | None = None
) -> Turn:
    """Return the turn, checked; what it uses goes on ``charge``, and it may take so many ``seconds``.

    Raises:
        Problem: The agent's model is unknown, or the request does not fit it.
    """
    plan = await asyncio.to_thread(services().agents.warm_plan, served.agent, served.version)
    turn = Turn(
        plan,
        wanted.message,
        services().ports(
            caller.tenant_id, public_url=caller.public_url, seconds_left=seconds, allowance=charge.allowance
        ),
        history=wanted.history,
        history_from_caller=True,
        session_id=wanted.session_id,
        limits=run_limits(caller, seconds),
        options=wanted.options,
        instructions=wanted.instructions,
        client_tools=wanted.tools,
    )
    charge.usage = turn.usage
    with failures_told():
        turn.check()
    return turn
