"""How a caller wants the model to answer."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.port import Limits
from smyth.connectors.ports import Ports
from smyth.conversation import ModelOptions, Turn
from tests.peers.scripted_models import Reply, scripted
from tests.unit.conversation.agents import agent

SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"top_p": 0.1}, {"top_p": 0.1}),
        ({"stop": ("END",)}, {"stop": ["END"]}),
        ({"seed": 0}, {"seed": 0}),
        ({"frequency_penalty": 0.5, "presence_penalty": 1.0}, {"frequency_penalty": 0.5, "presence_penalty": 1.0}),
        ({"response_format": "json"}, {"response_format": "json"}),
        ({"response_format": SCHEMA}, {"response_format": SCHEMA}),
        ({"reasoning_effort": "low"}, {"reasoning": True, "reasoning_effort": "low"}),
        ({"verbosity": "high"}, {"verbosity": "high"}),
        ({"max_tokens": 7}, {"max_tokens": 7}),
        ({"max_tokens": 10**6}, {"max_tokens": 8192}),
        ({}, {"temperature": None, "stop": [], "seed": None, "reasoning": False, "max_tokens": 8192}),
    ],
)
async def test_options_reach_the_model(option: dict[str, Any], sent: dict[str, Any]) -> None:
    models = scripted(Reply("ok"))
    await Turn(agent(), "Hi", Ports(models=models), options=ModelOptions(**option)).run()
    (request,) = models.requests
    assert {name: getattr(request, name) for name in sent} == sent


async def test_a_models_own_longest_answer_is_asked_for_unless_told() -> None:
    models = scripted(Reply("ok"))
    models.known["scripted"] = Limits(max_output=16_383)
    await Turn(agent(), "Hi", Ports(models=models)).run()
    assert models.requests[0].max_tokens == 16_383
