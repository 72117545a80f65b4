from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.registry import find
from smyth.connectors.models.port import ModelRequest
from smyth.connectors.ports import Ports


@pytest.fixture
def asked(outputs_of: Any, scripted_model: Any) -> Any:
    async def run(**data: Any) -> ModelRequest:
        model = scripted_model("x")
        data = {"model": "m", "prompt": "p"} | data
        await outputs_of("GenAILLM", data, {"where": "Oslo"}, ports=Ports(models=model))
        request: ModelRequest = model.requests[0]
        return request

    return run


async def test_thinking_is_the_authors_choice(asked: Any) -> None:
    request = await asked(verbosity="low", useReasoning=True, reasoningEffort="high", maxThinkingTokens="2000")
    assert (request.verbosity, request.reasoning, request.reasoning_effort) == ("low", True, "high")
    assert request.thinking_tokens == 2000
    blank = await asked(verbosity="", reasoningEffort="", maxThinkingTokens="")
    assert (blank.verbosity, blank.reasoning, blank.reasoning_effort, blank.thinking_tokens) == (
        None,
        False,
        None,
        None,
    )


async def test_openais_search_knows_a_place(asked: Any) -> None:
    assert (await asked(webSearchCity="Oslo")).web_search is None
    assert (await asked(useWebSearch=True, webSearchContextSize="")).web_search == {"search_context_size": "medium"}
    request = await asked(
        useWebSearch=True, webSearchContextSize="high", webSearchCity="{{where}}", webSearchCountry="NO"
    )
    assert request.web_search == {
        "search_context_size": "high",
        "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"},
    }


async def test_xais_search_knows_its_sources(asked: Any) -> None:
    assert (await asked(searchMode="on")).live_search is None
    request = await asked(
        useSearch=True, searchMode="on", returnCitations=True, maxSearchResults="5", fromDate="2026-01-31",
        searchDataSources=["web", "x", "news", "rss"], searchCountry="{{where}}", excludedWebsites="a.com, b.com",
        allowedWebsites="", includedXHandles="ada\nbob", postViewCount=9, rssLinks="https://f.example",
        safeSearch=False,
    )  # fmt: skip
    assert request.live_search == {
        "mode": "on",
        "return_citations": True,
        "max_search_results": 5,
        "from_date": "2026-01-31",
        "sources": [
            {"type": "web", "country": "Oslo", "excluded_websites": ["a.com", "b.com"], "safe_search": False},
            {"type": "x", "included_x_handles": ["ada", "bob"], "post_view_count": 9},
            {"type": "news", "country": "Oslo", "excluded_websites": ["a.com", "b.com"], "safe_search": False},
            {"type": "rss", "links": ["https://f.example"]},
        ],
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"verbosity": "loud"},
        {"reasoningEffort": "max"},
        {"maxThinkingTokens": 0},
        {"maxSearchResults": 101},
        {"searchDataSources": ["tv"]},
        {"fromDate": "yesterday"},
        {"webSearchContextSize": "huge"},
        {"webSearchCity": "x" * 256},
    ],
)
def test_settings_have_limits(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("GenAILLM").Settings.model_validate({"model": "m", "prompt": "p"} | wrong)
