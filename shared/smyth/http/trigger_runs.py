"""Do what a delivery asks for: admitted, run and billed as a request is, once however often it is delivered."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from ulid import ULID

from smyth.components.base import Request as AgentRequest
from smyth.http.asks import Ask
from smyth.http.billing import Charge, close_failed, our_fault, settle
from smyth.http.caller import Caller
from smyth.http.json_bodies import to_response
from smyth.http.max_cost import allowance_of
from smyth.http.problems import Problem, to_problem
from smyth.http.runs import run_plan
from smyth.http.services import services
from smyth.http.turns import answer, failures_told, open_turn
from smyth.platform.deliveries import MOST_IN_CHAIN, NotYet
from smyth.platform.delivery_records import Delivery, Failure, Run
from smyth.platform.errors import NotFound
from smyth.platform.idempotency import Answer, Taken, new_claim
from smyth.platform.leases import TRIGGER_LEASE
from smyth.platform.times import utc_now
from smyth.platform.trigger_records import Trigger
from smyth.platform.trigger_targets import filled_input, filled_text
from smyth.platform.triggers import AGENT_GONE

logger = logging.getLogger(__name__)

#: A run counts as lost a little after its claim may be taken over, so that who comes then finds the claim free.
_LOST_AFTER = TRIGGER_LEASE + timedelta(seconds=5)


class _Unfinished(Exception):
    """An attempt came to nothing, and costs what it costs."""

    def __init__(self, error: Exception, request_id: str, cost: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.request_id = request_id
        self.cost = cost


async def run_delivery(trigger: Trigger, delivery: Delivery, *, seconds: float) -> datetime | None:
    """Do what a delivery asks for, unless it is done; return when it is to be tried again, None where never.

    Args:
        trigger: Whose delivery it is; switched on.
        delivery: From the queue.
        seconds: How long it may take.

    Raises:
        NotYet: Another has it, or its next attempt is due later.
    """
    deliveries = services().deliveries
    run = await asyncio.to_thread(deliveries.begin, trigger, delivery, _LOST_AFTER)
    if run is None:
        return None
    if delivery.depth > MOST_IN_CHAIN:
        return await _end(run, trigger, Problem(508, "chain", _too_long(delivery.depth)), final=True)
    try:
        await asyncio.to_thread(services().agents.get, trigger.tenant_id, trigger.agent_id)
    except NotFound as error:
        await asyncio.to_thread(services().triggers.disable, trigger.tenant_id, trigger.id, AGENT_GONE)
        return await _end(run, trigger, error, final=True)
    try:
        caller = await asyncio.to_thread(services().trigger_caller, trigger)
        answered, charge = await _admitted(caller, trigger, run, delivery, seconds)
    except NotYet:
        raise
    except _Unfinished as unfinished:
        return await _end(run, trigger, unfinished.error, request_id=unfinished.request_id, cost=unfinished.cost)
    except Exception as error:
        return await _end(run, trigger, error)
    output = answered.body.decode("utf-8", "replace")
    if charge is None:
        await asyncio.to_thread(deliveries.done, run, output=output)
    else:
        await asyncio.to_thread(deliveries.done, run, output=output, request_id=charge.request_id, cost=_price(charge))
    return None


async def _admitted(
    caller: Caller, trigger: Trigger, run: Run, delivery: Delivery, seconds: float
) -> tuple[Answer, Charge | None]:
    """Let the run in, do it and settle; where an earlier attempt had come so far, return what it answered."""
    request_id = str(ULID())
    route = f"TRIGGER {trigger.kind}"
    claim = new_claim(
        tenant_id=trigger.tenant_id,
        route=route,
        key=run.id,
        content=run.id.encode(),
        request_id=request_id,
        now=utc_now(),
        lease=TRIGGER_LEASE,
    )
    admitted = await asyncio.to_thread(
        services().meter.admit,
        caller,
        request_id=request_id,
        route=route,
        agent_id=trigger.agent_id,
        claim=claim,
        lease=TRIGGER_LEASE,
    )
    if isinstance(admitted, Taken):
        if admitted.answer is None:
            raise NotYet(utc_now() + _LOST_AFTER)
        return admitted.answer, None
    charge = Charge(request_id, admitted, allowance=allowance_of(admitted, None), depth=delivery.depth + 1)
    try:
        response = to_response(await _in_time(_work(caller, trigger, delivery, charge, seconds), seconds))
    except BaseException as error:
        ours = our_fault(error)
        await close_failed(charge, our_fault=ours)
        if not isinstance(error, Exception):
            raise
        if ours:
            logger.exception("the run %s failed by our own fault", run.id)
        raise _Unfinished(error, request_id, _price(charge) if charge.usage and not ours else 0) from error
    await settle(charge, response)
    return Answer(response.status_code, response.media_type or "", bytes(response.body)), charge


async def _work(caller: Caller, trigger: Trigger, delivery: Delivery, charge: Charge, seconds: float) -> Any:
    """Run the skill, the prompt or the trigger component."""
    target, payload = trigger.target, delivery.payload
    if target.prompt is not None:
        try:
            ask = Ask(message=filled_text(target.prompt, payload))
        except ValidationError as error:
            raise Problem(422, "invalid", f"The prompt cannot be sent: {error.errors()[0]['msg']}.") from None
        turn = await open_turn(caller, trigger.agent_id, ask, charge, seconds=seconds)
        with failures_told():
            await turn.run()
        return answer(turn, charge)
    _, plan = await asyncio.to_thread(services().agents.plan, trigger.tenant_id, trigger.agent_id)
    if target.trigger is not None:
        asked = AgentRequest(method="POST", path=f"/trigger/{target.trigger}", body=payload)
        known = target.trigger in plan.triggers
    else:
        inputs = filled_input(target.input, payload)
        method = "POST" if (target.skill, "POST") in plan.endpoints else "GET"
        known = (target.skill, method) in plan.endpoints
        asked = AgentRequest(method=method, path=f"/api/{target.skill}", body=inputs, query=inputs)
    if not known:
        raise Problem(404, "not_found", f'The agent has no "{target.skill or target.trigger}" any more.')
    # Outsiders write what is delivered: it is no template.
    answered = await run_plan(caller, charge, plan, asked, seconds=seconds, expand_caller_data=False)
    if failed := _error_in(answered):
        raise Problem(422, "run_failed", f"The agent answered with an error: {failed[:1_000]}")
    return answered


async def _in_time(work: Any, seconds: float) -> Any:
    """Do the work, but end it before the function is ended without a word."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise Problem(504, "timeout", f"The run took longer than {seconds:.0f} seconds. Let it do less.") from None


async def _end(
    run: Run, trigger: Trigger, error: Exception, *, request_id: str = "", cost: int = 0, final: bool = False
) -> datetime | None:
    """Write why an attempt came to nothing; return when it is tried again."""
    problem = to_problem(error)
    if problem.code == "internal" and not isinstance(error, Problem):
        logger.error("the run %s came to nothing", run.id, exc_info=error)
    failure = Failure(status=problem.status, code=problem.code, detail=problem.detail)
    return await asyncio.to_thread(
        services().deliveries.failed, run, trigger, failure, request_id=request_id, cost=cost, final=final
    )


def _error_in(answered: Any) -> str:
    """Return the error of a component that nobody handled; empty without one."""
    for entry in answered if isinstance(answered, list) else [answered]:
        result = entry.get("result") if isinstance(entry, dict) else None
        if isinstance(result, dict) and result.get("_error"):
            return str(result["_error"])
    return ""


def _price(charge: Charge) -> int:
    assert charge.admission is not None
    return charge.admission.entry.settled(charge.figures()).price


def _too_long(depth: int) -> str:
    return (
        f"{depth} runs in a row led to this one, and at most {MOST_IN_CHAIN} may: triggers of this tenant seem to set "
        "each other off. Let them write where they do not look."
    )
