from __future__ import annotations

import jsonschema
import pytest

from smyth.connectors.catalog import Connector, connectors
from smyth.connectors.models.catalog import ModelEntry


def find(family: str, provider: str, **environment: str) -> Connector:
    found = connectors(environment, embedding_provider="GoogleAI")
    return next(one for one in found if (one.family, one.provider) == (family, provider))


def test_a_provider_is_ready_when_its_key_is_in_the_environment() -> None:
    assert find("models", "Anthropic", ANTHROPIC_API_KEY="k").configured
    assert not find("models", "Anthropic", OPENAI_API_KEY="k").configured
    assert not find("models", "Anthropic", ANTHROPIC_API_KEY="").configured


def test_only_the_embedding_provider_of_the_stack_is_ready() -> None:
    assert find("embeddings", "GoogleAI").configured
    assert not find("embeddings", "OpenAI").configured


def test_every_settings_schema_is_a_json_schema_and_names_are_unique() -> None:
    found = connectors({}, embedding_provider=None)
    for one in found:
        jsonschema.Draft202012Validator.check_schema(one.settings_schema)
    assert len({(one.family, one.provider) for one in found}) == len(found)


@pytest.mark.parametrize("provider", ["OpenAI", "Anthropic"])
def test_settings_that_fit_the_schema_are_a_model(provider: str) -> None:
    settings = {"provider": provider, "model": "some-model", "credential": "mine"}
    jsonschema.validate(settings, find("models", provider).settings_schema)
    assert ModelEntry.model_validate(settings).served_by.name == provider
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"provider": provider}, find("models", provider).settings_schema)
