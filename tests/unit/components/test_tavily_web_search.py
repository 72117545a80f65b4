from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.base import ComponentError
from smyth.components.registry import find
from tests.peers.tavily_server import KEY, TavilyServer
from tests.unit.components.services import ports_of

OutputsOf = Callable[..., Any]
NAMES = pytest.mark.parametrize("name", ["TavilyWebSearch", "WebSearch"])


@pytest.fixture
def server() -> Iterator[TavilyServer]:
    with TavilyServer() as server:
        yield server


@NAMES
async def test_the_pages_found_are_given(outputs_of: OutputsOf, server: TavilyServer, name: str) -> None:
    found = await outputs_of(name, {}, {"SearchQuery": "tea"}, ports=ports_of({"tavily": KEY}, tavily=server.url))
    assert list(found) == ["Results"]
    assert len(found["Results"]) == 10
    assert found["Results"][0] == {
        "url": "https://page-0.example/about",
        "title": "tea 0",
        "content": "About tea",
        "score": 1.0,
        "raw_content": None,
    }
    assert "time_range" not in server.asked[0].json


async def test_every_setting_reaches_the_service(outputs_of: OutputsOf, server: TavilyServer) -> None:
    data = {
        "includeImages": True,
        "sourcesLimit": "2",
        "searchTopic": "news",
        "includeQAs": True,
        "timeRange": "week",
        "includeRawContent": True,
        "excludeDomains": "page-0.example, page-1.example,",
    }
    ports = ports_of({"tavily": KEY}, tavily=server.url)
    found = await outputs_of("TavilyWebSearch", data, {"SearchQuery": 7}, ports=ports)
    assert [page["url"] for page in found["Results"]] == [f"https://page-{n}.example/about" for n in (2, 3)]
    assert found["Results"][0]["raw_content"] == "The whole page."
    assert found["Images"] == ["https://page-0.example/1.png"]
    assert found["Answer"] == "It is 7."
    assert server.asked[0].json == {
        "query": "7",
        "topic": "news",
        "max_results": 2,
        "include_images": True,
        "include_answer": True,
        "include_raw_content": True,
        "exclude_domains": ["page-0.example", "page-1.example"],
        "time_range": "week",
    }


@NAMES
async def test_without_a_key_access_is_denied(outputs_of: OutputsOf, server: TavilyServer, name: str) -> None:
    with pytest.raises(ComponentError, match=r'Access Denied.*"tavily"'):
        await outputs_of(name, {}, {"SearchQuery": "tea"}, ports=ports_of({}, tavily=server.url))
    assert server.asked == []


@pytest.mark.parametrize(
    ("query", "told"),
    [("too much", "blocked due to excessive requests"), ("broken", "Request failed with status code 502")],
)
async def test_a_refusal_is_told_in_the_services_words(
    outputs_of: OutputsOf, server: TavilyServer, query: str, told: str
) -> None:
    with pytest.raises(ComponentError, match=f"^Tavily Error: .*{told}"):
        await outputs_of("WebSearch", {}, {"SearchQuery": query}, ports=ports_of({"tavily": KEY}, tavily=server.url))


async def test_a_wrong_key_is_told_and_not_repeated(outputs_of: OutputsOf, server: TavilyServer) -> None:
    ports = ports_of({"tavily": "tvly-wrong-secret"}, tavily=server.url)
    with pytest.raises(ComponentError, match="Unauthorized: missing or invalid API key") as raised:
        await outputs_of("WebSearch", {}, {"SearchQuery": "tea"}, ports=ports)
    assert "tvly-wrong-secret" not in str(raised.value)


async def test_a_service_that_is_not_there_is_told(outputs_of: OutputsOf) -> None:
    with TavilyServer() as server:
        url = server.url
    with pytest.raises(ComponentError, match="Nobody answers"):
        await outputs_of("WebSearch", {}, {"SearchQuery": "tea"}, ports=ports_of({"tavily": KEY}, tavily=url))


@pytest.mark.parametrize("query", [None, "", "  ", [], {}])
async def test_an_empty_query_costs_nothing(outputs_of: OutputsOf, server: TavilyServer, query: Any) -> None:
    with pytest.raises(ComponentError, match="SearchQuery is empty"):
        await outputs_of("WebSearch", {}, {"SearchQuery": query}, ports=ports_of({"tavily": KEY}, tavily=server.url))
    assert server.asked == []


@pytest.mark.parametrize(
    "wrong", [{"searchTopic": "sports"}, {"timeRange": "decade"}, {"sourcesLimit": "many"}, {"includeImages": "maybe"}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("TavilyWebSearch").Settings.model_validate(wrong)
