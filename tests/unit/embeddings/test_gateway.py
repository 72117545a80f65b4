from __future__ import annotations

import json
from typing import Any

import pytest

from smyth.connectors.embeddings.gateway import EmbeddingGateway, read_embedding_model
from smyth.connectors.models.port import ModelError
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import Fail, ModelServer
from smyth.testing.embeddings import embedding
from tests.peers.http_service import Asked, HttpService, Reply

pytestmark = pytest.mark.xdist_group("litellm")

KEY = "sk-very-secret-key"


def gateway(
    server: ModelServer | Odd,
    *,
    vault: dict[str, dict[str, str]] | None = None,
    env: dict[str, str] | None = None,
    **entry: Any,
) -> EmbeddingGateway:
    setting = {"provider": "OpenAI", "model": "text-embedding-3-small", "base_url": server.base_url} | entry
    model = read_embedding_model(json.dumps(setting))
    assert model is not None
    return EmbeddingGateway(model, MemoryVault(vault), environment=env or {})


async def test_vectors_come_in_the_order_of_the_texts() -> None:
    texts = [f"text {chr(97 + n % 26)} {n}" for n in range(250)]
    with ModelServer() as server:
        embedded = await gateway(server).embed(texts, team_id="ten-a")
    assert [list(vector) for vector in embedded.vectors] == [pytest.approx(embedding(text)) for text in texts]
    assert [len(request["input"]) for request in server.requests] == [100, 100, 50]


class Odd(HttpService):
    """Answers with vectors of its own."""

    def __init__(self, *vectors: tuple[int, list[float]]) -> None:
        super().__init__()
        self.vectors = vectors
        self.base_url = f"{self.url}/v1"

    def answer(self, asked: Asked) -> Reply:
        data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in self.vectors]
        return Reply({"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})


async def test_vectors_say_which_text_they_belong_to() -> None:
    with Odd((1, [0.0, 1.0]), (0, [1.0, 0.0])) as server:
        embedded = await gateway(server).embed(["a", "b"], team_id="ten-a")
    assert embedded.vectors == ((1.0, 0.0), (0.0, 1.0))


async def test_usage_is_priced_by_the_table() -> None:
    with ModelServer() as server:
        embedded = await gateway(server).embed(["two tok"] * 100, team_id="ten-a")
    (usage,) = embedded.usage
    # 200 tokens at 0.02 USD a million.
    assert (usage.model, usage.input_tokens, usage.cost_micro_usd) == ("text-embedding-3-small", 200, 4)


@pytest.mark.parametrize(
    ("entry", "vault", "sent"),
    [
        ({"api_key": "sk-entry"}, {}, "sk-entry"),
        ({"credential": "mine"}, {"ten-a": {"mine": "sk-mine"}}, "sk-mine"),
        ({}, {"ten-a": {"openai": "sk-openai"}}, "none"),
    ],
)
async def test_another_address_gets_only_a_key_that_is_meant_for_it(
    entry: dict[str, Any], vault: dict[str, dict[str, str]], sent: str
) -> None:
    with ModelServer() as server:
        await gateway(server, vault=vault, env={"OPENAI_API_KEY": "sk-stack"}, **entry).embed(["a"], team_id="ten-a")
    assert server.headers[0]["authorization"] == f"Bearer {sent}"


async def test_a_missing_key_says_where_to_set_it() -> None:
    entry = read_embedding_model("OpenAI/text-embedding-3-small")
    assert entry is not None
    with pytest.raises(ModelError, match='Set the vault entry "openai"') as failed:
        await EmbeddingGateway(entry, MemoryVault(), environment={}).embed(["a"], team_id="ten-a")
    assert failed.value.kind == "credentials"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "credentials"), (404, "unknown_model"), (429, "rate_limited"), (400, "invalid_request")]
)
async def test_a_refusal_is_told_without_the_key(status: int, kind: str) -> None:
    refused = {"embeddings": Fail(status, f"refused {KEY}")}
    with ModelServer(failing=refused) as server, pytest.raises(ModelError) as failed:
        await gateway(server, api_key=KEY).embed(["a"], team_id="ten-a")
    assert failed.value.kind == kind
    assert KEY not in str(failed.value)


async def test_an_answer_that_lacks_a_vector_is_an_error() -> None:
    with Odd((0, [1.0])) as server, pytest.raises(ModelError, match="1 vectors for 2 texts"):
        await gateway(server).embed(["a", "b"], team_id="ten-a")


@pytest.mark.parametrize("text", ["", "  "])
def test_no_setting_means_no_model(text: str) -> None:
    assert read_embedding_model(text) is None


@pytest.mark.parametrize(
    "text", ["text-embedding-3-small", "Nobody/model", "OpenAI/", "Anthropic/claude", "{", '{"model": "x"}', "{}"]
)
def test_a_setting_that_cannot_be_used_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"provider|model|JSON"):
        read_embedding_model(text)


async def test_a_shorter_vector_is_asked_for_where_the_setting_says_so() -> None:
    setting = {"provider": "OpenAI", "model": "text-embedding-3-large", "dimensions": 64}
    with ModelServer() as server:
        model = read_embedding_model(json.dumps(setting | {"base_url": server.base_url}))
        assert model is not None
        embedded = await EmbeddingGateway(model, MemoryVault(), environment={}).embed(["a"], team_id="ten-a")
    assert server.requests[0]["dimensions"] == 64
    assert [len(vector) for vector in embedded.vectors] == [64]
