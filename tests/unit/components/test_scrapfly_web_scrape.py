from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.ports import Ports
from tests.peers.scrapfly_server import KEY, ScrapflyServer
from tests.unit.components.services import ports_of

OutputsOf = Callable[..., Any]
NAMES = pytest.mark.parametrize("name", ["ScrapflyWebScrape", "WebScrape"])


@pytest.fixture
def server() -> Iterator[ScrapflyServer]:
    with ScrapflyServer() as server:
        yield server


@pytest.fixture
def ports(server: ScrapflyServer) -> Ports:
    return ports_of({"scrapfly": KEY}, scrapfly=server.url)


@NAMES
async def test_pages_are_read_and_failing_ones_listed(outputs_of: OutputsOf, ports: Ports, name: str) -> None:
    urls = ["https://a.example/?q=1&r=2", "https://blocked.example", "https://gone.example", "https://html.example"]
    assert await outputs_of(name, {}, {"URLs": urls}, ports=ports) == {
        "Results": [{"url": urls[0], "content": f"# {urls[0]} as markdown"}],
        "FailedURLs": [
            {"url": urls[1], "error": "The page could not be scraped (ERR::ASP::SHIELD_PROTECTION_FAILED)."},
            {"url": urls[2], "error": "The page could not be scraped (ERR::SCRAPE::BAD_UPSTREAM_RESPONSE)."},
            {"url": urls[3], "error": "Request failed with status code 502"},
        ],
    }


async def test_addresses_are_found_in_all_declared_inputs(
    outputs_of: OutputsOf, server: ScrapflyServer, ports: Ports
) -> None:
    inputs = {
        "URLs": '["https://a.example/1", "https://b.example/2"]',
        "text": "See https://c.example/3, (https://d.example/4) and ftp://e.example or https://a.example/1.",
        "deep": {"pages": [{"url": "https://f.example"}, None, 7, True]},
        "variable": "https://undeclared.example",
    }
    declared = ["URLs", "text", "deep", "missing"]
    found = await outputs_of("WebScrape", {}, inputs, declared=declared, ports=ports)
    assert [page["url"] for page in found["Results"]] == [
        "https://a.example/1",
        "https://b.example/2",
        "https://c.example/3",
        "https://d.example/4",
        "https://f.example",
    ]
    assert len(server.asked) == 5


async def test_every_setting_reaches_the_service(outputs_of: OutputsOf, server: ScrapflyServer, ports: Ports) -> None:
    data = {"antiScrapingProtection": True, "autoScroll": True, "format": "text", "countries": ["us", "ca"]}
    await outputs_of("WebScrape", data, {"URLs": ["https://a.example"]}, ports=ports)
    assert server.asked[0].query == {
        "key": KEY,
        "url": "https://a.example",
        "format": "text",
        "cost_budget": "80",
        "asp": "true",
        "render_js": "true",
        "auto_scroll": "true",
        "country": "us,ca",
    }


async def test_switches_that_are_off_are_not_sent(outputs_of: OutputsOf, server: ScrapflyServer, ports: Ports) -> None:
    await outputs_of("WebScrape", {"javascriptRendering": False}, {"URLs": ["https://a.example"]}, ports=ports)
    assert set(server.asked[0].query) == {"key", "url", "format", "cost_budget"}


async def test_a_page_kept_apart_is_fetched(outputs_of: OutputsOf, server: ScrapflyServer, ports: Ports) -> None:
    found = await outputs_of("WebScrape", {}, {"URLs": ["https://long.example"]}, ports=ports)
    assert found["Results"] == [{"url": "https://long.example", "content": "A very long page."}]
    assert server.asked[1].path == "/objects/1"


async def test_the_key_goes_to_the_service_only(outputs_of: OutputsOf, server: ScrapflyServer, ports: Ports) -> None:
    found = await outputs_of("WebScrape", {}, {"URLs": ["https://stray.example"]}, ports=ports)
    assert "not its own" in found["FailedURLs"][0]["error"]
    assert len(server.asked) == 1


async def test_many_pages_keep_their_order(outputs_of: OutputsOf, ports: Ports) -> None:
    urls = [f"https://a.example/{number}" for number in range(40)]
    found = await outputs_of("WebScrape", {}, {"URLs": urls}, ports=ports)
    assert [page["url"] for page in found["Results"]] == urls


@NAMES
async def test_without_a_key_access_is_denied(outputs_of: OutputsOf, server: ScrapflyServer, name: str) -> None:
    ports = ports_of({}, scrapfly=server.url)
    with pytest.raises(ComponentError, match=r'Access Denied.*"scrapfly"'):
        await outputs_of(name, {}, {"URLs": ["https://a.example"]}, ports=ports)
    assert server.asked == []


async def test_a_wrong_key_is_told_for_each_page_and_not_repeated(
    outputs_of: OutputsOf, server: ScrapflyServer
) -> None:
    ports = ports_of({"scrapfly": "scp wrong/secret"}, scrapfly=server.url)
    found = await outputs_of("WebScrape", {}, {"URLs": ["https://a.example"]}, ports=ports)
    assert found == {"Results": [], "FailedURLs": [{"url": "https://a.example", "error": "Invalid API key ***"}]}


async def test_a_service_that_is_not_there_is_told_without_its_key(outputs_of: OutputsOf) -> None:
    with ScrapflyServer() as server:
        url = server.url
    ports = ports_of({"scrapfly": KEY}, scrapfly=url)
    found = await outputs_of("WebScrape", {}, {"URLs": ["https://a.example"]}, ports=ports)
    assert "Nobody answers" in found["FailedURLs"][0]["error"]
    assert KEY not in str(found)


@pytest.mark.parametrize("value", [None, "", "no address", [], {}, 5])
async def test_without_addresses_nothing_is_read(
    outputs_of: OutputsOf, server: ScrapflyServer, ports: Ports, value: Any
) -> None:
    assert await outputs_of("WebScrape", {}, {"URLs": value}, ports=ports) == {"Results": [], "FailedURLs": []}
    assert server.asked == []


@pytest.mark.parametrize("wrong", [{"countries": "us"}, {"format": 5}, {"autoScroll": "maybe"}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("WebScrape").Settings.model_validate(wrong)
