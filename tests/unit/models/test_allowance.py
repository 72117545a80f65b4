"""What a request may spend: held before, corrected after, never passed."""

from __future__ import annotations

import asyncio
import random

import pytest

from smyth.connectors.models.allowance import Allowance, Hold
from smyth.connectors.models.port import ModelError


async def test_what_is_held_is_left_to_nobody_else_and_comes_back_when_it_was_less() -> None:
    allowance = Allowance(100)
    hold = await allowance.hold(70)
    assert allowance.left == 30
    hold.end(20)
    assert allowance.left == 80


async def test_a_hold_ends_once() -> None:
    allowance = Allowance(100)
    hold = await allowance.hold(70)
    hold.end(20)
    hold.end(0)
    hold.end(50)
    assert allowance.left == 80


async def test_what_is_left_is_given_where_that_is_enough() -> None:
    assert (await Allowance(100).hold(170, least=10)).amount == 100


async def test_the_refusal_names_who_set_the_limit_in_the_callers_money() -> None:
    allowance = Allowance(100, source='the budget "agent:agt-1"', price=lambda cost: cost * 2)
    with pytest.raises(ModelError) as refused:
        await allowance.hold(300, least=101)
    assert refused.value.kind == "budget"
    assert not refused.value.reached_provider
    assert str(refused.value) == (
        'The model was not asked: the budget "agent:agt-1" leaves $0.000200 for models, and even a short answer may '
        "cost $0.000202. Send less, choose a cheaper model, or raise that limit."
    )


async def test_a_limit_of_nothing_lets_free_models_answer() -> None:
    assert (await Allowance(0).hold(0)).amount == 0
    with pytest.raises(ModelError):
        await Allowance(0).hold(1)


async def test_who_wants_more_than_is_left_waits_for_those_who_may_give_back() -> None:
    allowance = Allowance(100)
    first = await allowance.hold(90)
    second = asyncio.create_task(allowance.hold(60, least=5))
    await asyncio.sleep(0)
    assert not second.done()
    first.end(10)
    assert (await second).amount == 60


async def test_who_waits_gets_what_is_left_once_nobody_holds_anything() -> None:
    allowance = Allowance(100)
    first = await allowance.hold(90)
    second = asyncio.create_task(allowance.hold(60, least=5))
    third = asyncio.create_task(allowance.hold(60, least=55))
    await asyncio.sleep(0)
    first.end(80)
    assert (await second).amount == 20
    (await second).end(20)
    with pytest.raises(ModelError):
        await third


async def test_who_is_cancelled_while_waiting_holds_nothing() -> None:
    allowance = Allowance(100)
    first = await allowance.hold(90)
    second = asyncio.create_task(allowance.hold(60))
    await asyncio.sleep(0)
    second.cancel()
    first.end(0)
    with pytest.raises(asyncio.CancelledError):
        await second
    assert allowance.left == 100


@pytest.mark.parametrize("seed", range(20))
async def test_many_at_once_never_spend_more_than_the_limit(seed: int) -> None:
    chance = random.Random(seed)
    allowance = Allowance(1_000)
    spent = 0

    async def ask() -> bool:
        nonlocal spent
        wanted = chance.randint(1, 400)
        try:
            hold: Hold = await allowance.hold(wanted, least=chance.randint(1, wanted))
        except ModelError:
            return False
        for _ in range(chance.randint(0, 5)):
            await asyncio.sleep(0)
        cost = chance.randint(0, hold.amount)
        spent += cost
        hold.end(cost)
        return True

    answered = await asyncio.gather(*(ask() for _ in range(64)))
    assert any(answered)
    assert spent <= 1_000
    assert allowance.left == 1_000 - spent
