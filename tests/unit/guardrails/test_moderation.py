"""A moderation model, asked over a socket with the keys of any other model."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import ModelError
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import Fail, ModelServer


def gateway(server: ModelServer, **members: Any) -> ModelGateway:
    environment = {"OPENAI_API_KEY": "sk-stack", "OPENAI_BASE_URL": server.base_url}
    return ModelGateway(Catalog(), MemoryVault(), environment=environment, **members)


async def test_what_the_model_says_is_told_with_what_it_took() -> None:
    with ModelServer(expect_key="sk-stack") as server:
        verdict = await gateway(server).moderate("omni-moderation-latest", "pure violence", team_id="t")
    assert verdict.flagged == {"violence"}
    assert verdict.scores["violence"] == 0.99
    assert verdict.usage.model == "omni-moderation-latest"
    assert verdict.usage.input_tokens > 0
    assert verdict.usage.cost_micro_usd == 0


async def test_a_long_text_hides_nothing() -> None:
    with ModelServer() as server:
        models = gateway(server)
        for text in ("x" * 30_000 + "violence", "x" * 7_996 + "violence" + "x" * 8_000):
            assert (await models.moderate("omni-moderation-latest", text, team_id="t")).flagged == {"violence"}
    assert all(len(piece) < 9_000 for request in server.requests for piece in request["input"])


async def test_the_teams_own_key_comes_first() -> None:
    with ModelServer(expect_key="sk-team") as server:
        environment = {"OPENAI_API_KEY": "sk-stack", "OPENAI_BASE_URL": server.base_url}
        vault = MemoryVault({"t": {"openai": "sk-team"}})
        models = ModelGateway(Catalog(), vault, environment=environment)
        assert not (await models.moderate("omni-moderation-latest", "peace", team_id="t")).flagged


async def test_a_failure_is_told_without_the_key() -> None:
    with (
        ModelServer(failing={"moderations": Fail(400, "bad sk-stack")}) as server,
        pytest.raises(ModelError) as error,
    ):
        await gateway(server).moderate("omni-moderation-latest", "x", team_id="t")
    assert "sk-stack" not in str(error.value)
    assert error.value.reached_provider


async def test_keys_go_to_no_other_protocol_and_to_no_address_of_a_document() -> None:
    with ModelServer() as server:
        with pytest.raises(ModelError, match="OpenAI's protocol"):
            await gateway(server).moderate({"provider": "Anthropic", "model": "claude"}, "x", team_id="t")
        foreign = {"provider": "OpenAI", "model": "m", "base_url": server.base_url}
        with pytest.raises(ModelError, match="base_url"):
            await gateway(server).moderate(foreign, "x", team_id="t")
        await gateway(server, allow_private=True).moderate(foreign, "x", team_id="t")
    assert [headers["authorization"] for headers in server.headers] == ["Bearer none"]
