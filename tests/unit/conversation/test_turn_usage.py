from __future__ import annotations

import asyncio

import pytest

from smyth.connectors.models.port import ModelError, Usage
from smyth.connectors.ports import Ports
from smyth.conversation import Turn
from smyth.conversation.events import Content, Start
from tests.peers.scripted_models import Reply, scripted
from tests.unit.conversation.agents import agent
from tests.unit.conversation.turns import WRITER, EchoBeside, call, turn


async def test_a_skill_that_is_cut_off_keeps_what_its_model_used() -> None:
    models = EchoBeside(scripted(Reply(calls=(call('{"topic":"cats"}', "write"),)), Reply("never said")))
    spoken = Turn(agent(WRITER), "Write", Ports(models=models))
    events = spoken.events()
    async for event in events:
        if isinstance(event, Content):
            break
    await events.aclose()
    assert [usage.model for usage in spoken.usage] == ["scripted", "Echo"]


async def test_an_unknown_model_is_told_and_costs_nothing() -> None:
    models = scripted()
    spoken = turn(models, model="zzz")
    with pytest.raises(ModelError, match="The model 'zzz' is not available"):
        await spoken.run()
    assert spoken.usage == []
    assert models.requests == []


async def test_what_never_reached_a_provider_is_not_counted() -> None:
    spoken = turn(scripted(Reply(error=ModelError("no key", kind="credentials"))))
    with pytest.raises(ModelError):
        await spoken.run()
    assert spoken.usage == []


@pytest.mark.parametrize("error", [ModelError("no", kind="credentials", status=401), ModelError("busy", status=503)])
async def test_a_provider_that_refuses_was_asked_and_costs_nothing(error: ModelError) -> None:
    spoken = turn(scripted(Reply(error=error)))
    with pytest.raises(ModelError):
        await spoken.run()
    assert spoken.usage == [Usage("scripted")]


async def test_an_answer_that_breaks_off_is_counted() -> None:
    spoken = turn(scripted(Reply("half", error=ModelError("cut"))))
    with pytest.raises(ModelError):
        await spoken.run()
    assert [(usage.input_tokens, usage.output_tokens) for usage in spoken.usage] == [(7, 4)]
    assert spoken.output == "half"


async def test_who_leaves_early_pays_for_what_was_said() -> None:
    spoken = turn(scripted(Reply("half an answer", hangs=True)))
    events = spoken.events()
    assert await anext(events) == Start("scripted")
    assert await anext(events) == Content("half an answer")
    await events.aclose()
    assert [usage.output_tokens for usage in spoken.usage] == [14]


async def test_a_turn_that_runs_out_of_time_is_counted() -> None:
    spoken = turn(scripted(Reply(hangs=True)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await spoken.run()
    assert [usage.input_tokens for usage in spoken.usage] == [7]
