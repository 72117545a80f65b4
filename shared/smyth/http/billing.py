"""Billable requests: let in, done once, and billed for what they used.

:func:`billed` is the whole of it for buffered answers. A stream calls
:func:`admit` before its first byte and :func:`settle` or :func:`release` after
its last.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from smyth.http.caller import Caller
from smyth.http.idempotency import claim_of, replayed, to_answer
from smyth.http.json_bodies import to_response
from smyth.http.max_cost import allowance_of, max_cost
from smyth.http.problems import Problem, to_problem
from smyth.http.services import services
from smyth.platform.errors import PlatformError
from smyth.platform.idempotency import Taken, replay
from smyth.platform.metering import Admission, Figures
from smyth.platform.money import usd

if TYPE_CHECKING:
    from smyth.connectors.models.allowance import Allowance
    from smyth.connectors.models.port import Usage

logger = logging.getLogger(__name__)

REMAINING_HEADER = "x-usage-requests-remaining"
COST_HEADER = "x-usage-cost"

#: What is kept back of a function's time to settle and to answer.
_CLOSING_SECONDS = 2.0
_TIMEOUT = 504
_INTERNAL = 500


@dataclass(slots=True)
class Charge:
    """An admitted request: what it has used, and what it will cost."""

    request_id: str
    #: None when ``replay`` is set.
    admission: Admission | None
    #: The answer of the first request with the same Idempotency-Key; send it and do nothing else.
    replay: Response | None = None
    #: What its models may cost; None where nothing bounds it.
    allowance: Allowance | None = None
    #: How many runs of triggers in a row led to it, itself included.
    depth: int = 0
    usage: list[Usage] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def use(self, usage: Sequence[Usage]) -> None:
        """Add what provider requests used."""
        self.usage.extend(usage)

    def figures(self) -> Figures:
        """Return what was used so far, for the ledger."""
        return Figures(
            model=self.usage[-1].model if self.usage else "",
            input_tokens=sum(one.input_tokens for one in self.usage),
            output_tokens=sum(one.output_tokens for one in self.usage),
            cached_tokens=sum(one.cached_tokens for one in self.usage),
            provider_cost=sum(one.cost_micro_usd for one in self.usage),
            duration_ms=round((time.perf_counter() - self.started) * 1000),
        )

    def headers(self) -> dict[str, str]:
        """Return what the caller is told: requests left, and the cost so far."""
        assert self.admission is not None
        remaining = self.admission.remaining
        return {
            REMAINING_HEADER: "unlimited" if remaining is None else str(remaining),
            COST_HEADER: usd(self.admission.entry.settled(self.figures()).price),
        }


Work = Callable[[Charge], Awaitable[Any]]


async def billed(request: Request, caller: Caller, work: Work, *, agent_id: str | None = None) -> Response:
    """Admit the request, do ``work``, settle, and answer with what is left and what it cost.

    Once a provider was asked the request is billed with what it used, even if the provider failed. Work that fails
    before that, or by our own fault, is not billed. Under an Idempotency-Key the work
    is done once; a repeated request gets the first answer.

    Args:
        request: The request; its route and body say what is billed.
        caller: Who pays.
        work: Returns a response, or what becomes JSON.
        agent_id: The agent that is called, for the ledger.
    """
    charge = await admit(request, caller, agent_id=agent_id)
    if charge.replay is not None:
        return charge.replay
    try:
        response = to_response(await _in_time(request, work(charge)))
    except BaseException as error:
        await close_failed(charge, our_fault=our_fault(error))
        raise
    if response.status_code >= 400:
        await close_failed(charge, our_fault=response.status_code == _INTERNAL)
        return response
    response.headers.update(charge.headers())
    await settle(charge, response)
    return response


async def admit(request: Request, caller: Caller, *, agent_id: str | None = None) -> Charge:
    """Let a request in.

    Returns:
        A charge to settle or release, or one with a ``replay`` to send.

    Raises:
        PlatformError: The plan has no request left (429, 402), a budget too little (402), or the Idempotency-Key
            belongs to another request (422) or to one still at work (409).
        Problem: A header cannot be read.
    """
    request_id: str = request.scope["smyth.request_id"]
    route = f"{request.method} {request.scope['route'].path}"
    asked = max_cost(request)
    claim = await claim_of(request, caller.tenant_id, route)
    admitted = await asyncio.to_thread(
        services().meter.admit,
        caller,
        request_id=request_id,
        route=route,
        agent_id=agent_id or "",
        claim=claim,
        allowance=asked,
    )
    if isinstance(admitted, Taken):
        assert claim is not None
        return Charge(request_id, None, replay=replayed(replay(claim, admitted)))
    return Charge(request_id, admitted, allowance=allowance_of(admitted, asked))


async def settle(charge: Charge, response: Response | None = None) -> None:
    """Write what the request used; ``response`` is kept for a repetition under the same Idempotency-Key.

    A settlement that fails is logged and left to the sweeper: the caller has earned the answer.
    """
    assert charge.admission is not None
    answer = None
    if response is not None and charge.admission.claim is not None:
        answer = to_answer(response)
    try:
        await asyncio.to_thread(services().meter.settle, charge.admission, charge.figures(), answer)
    except Exception:
        logger.exception("request %s could not be settled", charge.request_id)


async def release(charge: Charge) -> None:
    """Give the request back; it is not billed. A release that fails is left to the sweeper."""
    assert charge.admission is not None
    try:
        await asyncio.to_thread(services().meter.release, charge.admission, charge.figures())
    except Exception:
        logger.exception("request %s could not be released", charge.request_id)


async def note(charge: Charge) -> None:
    """Write what a long request has used so far, so that it is billed even if the function is ended."""
    assert charge.admission is not None
    await asyncio.to_thread(services().meter.note, charge.admission, charge.figures())


def seconds_left(request: Request) -> float | None:
    """Return how long the work on a request may take before Lambda ends the function; None where nothing does."""
    context = request.scope.get("aws.context")
    if context is None:
        return None
    return max(0.1, float(context.get_remaining_time_in_millis()) / 1000 - _CLOSING_SECONDS)


async def _in_time(request: Request, work: Awaitable[Any]) -> Any:
    """Do the work, but end it before Lambda ends the function without a word."""
    seconds = seconds_left(request)
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        detail = f"The request took longer than {seconds:.0f} seconds. Ask for less at once, or use the stream route."
        raise Problem(_TIMEOUT, "timeout", detail) from None


async def close_failed(charge: Charge, *, our_fault: bool) -> None:
    """Bill what failed after a provider was asked; give the rest back."""
    if charge.usage and not our_fault:
        await settle(charge)
    else:
        await release(charge)


def our_fault(error: BaseException) -> bool:
    """Tell whether work failed through us: neither by the request, nor by a provider, nor because the caller left."""
    if not isinstance(error, Exception):
        return False
    status = to_problem(error).status
    return status == _INTERNAL or (isinstance(error, PlatformError) and status > _INTERNAL)
