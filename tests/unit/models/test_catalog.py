from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, ModelEntry, read_models, relative
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
    ("name", "provider", "window", "output"),
    [
        ("gpt-4o-mini-banana", "OpenAI", 128_000, 16_383),
        ("smythos/gpt-4o-mini-banana", "OpenAI", 128_000, 16_383),
        ("gpt-5", "OpenAI", 128_000, 8_192),
        ("claude-9-opus", "Anthropic", 200_000, 32_000),
        ("gemini-2.5-flash-next", "GoogleAI", 1_048_576, 65_536),
        ("sonar-pro", "Perplexity", 128_000, 8_192),
    ],
)
def test_a_newer_model_is_sized_like_its_relatives_but_never_too_small(
    name: str, provider: str, window: int, output: int
) -> None:
    found = relative(name)
    assert found is not None
    entry = Catalog().find(found)
    assert (entry.provider, entry.model) == (provider, name.removeprefix("smythos/"))
    assert (entry.context_window, entry.max_output) == (window, output)


@pytest.mark.parametrize("name", ["zzz", "", "echo", "llama-9"])
def test_a_name_without_likeness_has_no_relatives(name: str) -> None:
    assert relative(name) is None


@pytest.mark.parametrize(
    ("model", "sent", "sizes"),
    [
        ({"provider": "OpenAI", "modelId": "gpt-4o"}, "gpt-4o", (128_000, 16_384)),
        ({"provider": "OpenAI", "modelId": "o3"}, "o3", (200_000, 100_000)),
        ({"provider": "Anthropic", "modelId": "claude-4-sonnet"}, "claude-sonnet-4-20250514", (200_000, 64_000)),
        ({"provider": "OpenAI", "modelId": "gpt-4o", "outputTokens": 123}, "gpt-4o", (128_000, 123)),
        ({"provider": "OpenAI", "modelId": "gpt-4o", "tokens": None, "completionTokens": 99}, "gpt-4o", (128_000, 99)),
        ({"provider": "OpenAI", "modelId": "gpt-4o", "params": {"maxTokens": 50}}, "gpt-4o", (128_000, 50)),
        ({"provider": "OpenAI", "modelId": "gpt-4o", "baseURL": "https://x"}, "gpt-4o", (128_000, 16_384)),
        ({"provider": "Groq", "modelId": "llama-3.3-70b-versatile"}, "llama-3.3-70b-versatile", (128_000, 32_768)),
        ({"provider": "Groq", "modelId": "gpt-4o"}, "gpt-4o", (128_000, 8_192)),
    ],
)
def test_a_model_object_takes_what_it_leaves_out_from_the_catalogue(
    model: dict[str, Any], sent: str, sizes: tuple[int, int]
) -> None:
    entry = Catalog().find(model)
    assert entry.model == sent
    assert (entry.limits.context_window, entry.limits.max_output) == sizes


def test_sizes_that_hold_with_a_key_win() -> None:
    model = {"provider": "OpenAI", "model": "m", "tokens": 5, "keyOptions": {"tokens": 900, "enabled": True}}
    assert ModelEntry.model_validate(model).context_window == 900


def test_reads_fallbacks_prices_and_settings() -> None:
    entry = read_models(
        {
            "mine": {
                "llm": "Bedrock", "fallbackLLM": "gpt-4o", "input_price": "0.15", "interface": "responses",
                "settings": {"foundationModel": "anthropic.claude", "customModel": "arn:aws:mine"},
            }
        }
    )["mine"]  # fmt: skip
    assert (entry.provider, entry.model, entry.fallbacks) == ("Bedrock", "arn:aws:mine", ("gpt-4o",))
    assert entry.interface == "responses"


def test_every_model_of_the_catalogue_has_a_provider_and_says_what_it_can() -> None:
    catalog = Catalog()
    assert len(catalog.names()) > 130
    assert all(catalog.find(name).served_by for name in catalog.names())
    assert "reasoning" in catalog.find("claude-4-sonnet").features
