from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, likely_provider, read_models
from smyth.connectors.models.port import ModelError


@pytest.mark.parametrize(
    ("name", "provider", "model", "limits"),
    [
        ("gpt-4o-mini", "OpenAI", "gpt-4o-mini", (128_000, 16_383)),
        ("gpt-4o", "OpenAI", "gpt-4o-2024-08-06", (128_000, 16_384)),
        ("o3", "OpenAI", "o3-2025-04-16", (200_000, 100_000)),
        ("claude-4-sonnet", "Anthropic", "claude-sonnet-4-20250514", (200_000, 64_000)),
        ("llama-3.3-70b", "Groq", "llama-3.3-70b-versatile", (128_000, 32_768)),
        ("smythos/gpt-4o-mini", "OpenAI", "gpt-4o-mini", (128_000, 16_383)),
    ],
)
def test_knows_the_names_of_documents(name: str, provider: str, model: str, limits: tuple[int, int]) -> None:
    entry = Catalog().find(name)
    sizes = (entry.limits.context_window, entry.limits.max_output)
    assert (entry.provider, entry.model, sizes) == (provider, model, limits)


@pytest.mark.parametrize("name", ["no-such-model", "GPT-4o", "", "gpt-4o "])
def test_says_that_a_name_is_not_available(name: str) -> None:
    with pytest.raises(ModelError, match=f"The model '{name}' is not available. Please try a different one.") as error:
        Catalog().find(name)
    assert error.value.kind == "unknown_model"


def test_reads_the_stacks_own_models_and_lets_them_win() -> None:
    extra = read_models({"gpt-4o": {"provider": "OpenAI", "modelId": "other", "baseURL": "http://x", "tokens": 5}})
    entry = Catalog(extra).find("gpt-4o")
    assert (entry.model, entry.base_url, entry.context_window) == ("other", "http://x", 5)
    assert not entry.from_document


@pytest.mark.parametrize("entry", [{}, {"provider": "OpenAI", "model": ""}, {"provider": 1, "model": "m"}, [], "x"])
def test_refuses_models_that_cannot_be_read(entry: Any) -> None:
    with pytest.raises(ValueError, match="ModelEntry"):
        read_models({"mine": entry})


@pytest.mark.parametrize(
    "model",
    [{}, {"provider": "OpenAI"}, {"model": "m"}, {"provider": "OpenAI", "model": 3}, {"provider": None, "model": "m"}],
)
def test_an_unusable_model_object_is_told(model: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="needs at least provider and model") as error:
        Catalog().find(model)
    assert error.value.kind == "invalid_request"


def test_a_document_cannot_pass_for_the_stack() -> None:
    assert Catalog().find({"provider": "OpenAI", "model": "m", "from_document": False}).from_document


def test_an_unknown_provider_is_told_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"Use one of OpenAI, .*Anthropic"):
        _ = Catalog().find({"provider": "Acme", "model": "m"}).served_by


def test_a_key_is_not_part_of_how_an_entry_prints() -> None:
    assert "hush" not in repr(Catalog().find({"provider": "OpenAI", "model": "m", "api_key": "hush"}))


@pytest.mark.parametrize(
    ("name", "provider"),
    [("gpt-5", "OpenAI"), ("claude-9-opus", "Anthropic"), ("gemini-4", "GoogleAI"), ("zzz", None), ("", None)],
)
def test_guesses_who_serves_a_newer_model(name: str, provider: str | None) -> None:
    assert likely_provider(name) == provider
