"""ScrapflyWebScrape: the content of web pages (COMPONENTS section 9)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import Field

from smyth.components._services import read_json, refusal, send, vault_key
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.http.port import HttpReply, HttpRequest

#: Most credits that the service may spend on one page.
_COST_BUDGET = 80
#: Pages in the works at a time; the service's plans allow few.
_AT_A_TIME = 10
#: How long the service itself tries.
_TIMEOUT_S = 155.0
#: Contents that the answer holds only the address of.
_KEPT_APART = {"clob", "blob"}
_URL = re.compile(r"""https?://[^\s"'<>\\^`{|}\[\]]+""", re.IGNORECASE)


class Settings(BaseSettings):
    """How pages are read."""

    anti_scraping_protection: bool = Field(
        False, alias="antiScrapingProtection", description="Get around protection against scraping."
    )
    javascript_rendering: bool = Field(False, alias="javascriptRendering", description="Run the page's scripts.")
    auto_scroll: bool = Field(
        False, alias="autoScroll", description="Scroll down, so that all is loaded; runs the scripts too."
    )
    format: str = Field("markdown", description="What to make of a page: markdown, text, raw, clean_html or json.")
    countries: list[str] = Field([], description="Codes of countries to ask from, such as us.")


class ScrapflyWebScrape(Component):
    """Reads pages through Scrapfly; its key is the vault's entry ``scrapfly``."""

    name = "ScrapflyWebScrape"
    title = "Web Scrape"
    summary = "Reads web pages through Scrapfly."
    Settings = Settings
    inputs = (Port("URLs", "Array", "Addresses of pages, or texts that hold some."),)
    outputs = (
        Port("Results", "Array", "What was read: url, content."),
        Port("FailedURLs", "Array", "What could not be read: url, error."),
    )
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Read each page that the declared inputs name, once."""
        key = await vault_key(call, "scrapfly", service="Scrapfly")
        urls = list(dict.fromkeys(url for port in call.node.inputs for url in _urls(call.inputs.get(port.name))))
        free = asyncio.Semaphore(_AT_A_TIME)

        async def read(url: str) -> dict[str, Any]:
            async with free:
                try:
                    return {"url": url, "content": await _content(call, url, key)}
                except ComponentError as error:
                    return {"url": url, "error": str(error)}

        pages = await asyncio.gather(*map(read, urls))
        return {
            "Results": [page for page in pages if "error" not in page],
            "FailedURLs": [page for page in pages if "error" in page],
        }


def _urls(value: Any) -> Iterator[str]:
    """Yield the addresses that a value holds, however deep."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield from (url.rstrip(".,;:!?)*") for url in _URL.findall(value))
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


async def _content(call: Call, url: str, key: str) -> Any:
    """Return what the service made of a page.

    Raises:
        ComponentError: It could not read the page.
    """
    base = call.run.ports.service_urls.scrapfly
    reply = await _get(call, f"{base}/scrape", _parameters(call.settings, url, key))
    body = read_json(reply)
    result = body.get("result") if isinstance(body, dict) else None
    if not isinstance(result, dict):
        raise ComponentError(refusal(reply, secret=key))
    error = result.get("error")
    if reply.status >= 400 or error or result.get("success") is False:
        told = error.get("message") if isinstance(error, dict) else None
        raise ComponentError(told or f"The page could not be read ({error or result.get('status_code')}).")
    content = result.get("content")
    if result.get("format") not in _KEPT_APART:
        return content
    if not _is_of(base, content):
        raise ComponentError("The page is too large: the service keeps it at an address that is not its own.")
    reply = await _get(call, str(content), {"key": key})
    if reply.status >= 400:
        raise ComponentError(refusal(reply, secret=key))
    return reply.content.decode("utf-8", "replace")


async def _get(call: Call, url: str, parameters: dict[str, Any]) -> HttpReply:
    return await send(call, HttpRequest(f"{url}?{urlencode(parameters)}", timeout_s=_TIMEOUT_S))


def _parameters(settings: Settings, url: str, key: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {"key": key, "url": url, "format": settings.format, "cost_budget": _COST_BUDGET}
    switches = {
        "asp": settings.anti_scraping_protection,
        "render_js": settings.javascript_rendering or settings.auto_scroll,
        "auto_scroll": settings.auto_scroll,
    }
    parameters |= {name: "true" for name, on in switches.items() if on}
    if settings.countries:
        parameters["country"] = ",".join(settings.countries)
    return parameters


def _is_of(base: str, url: Any) -> bool:
    """Tell whether ``url`` is at the service itself, who may see the key."""
    if not isinstance(url, str):
        return False
    one, other = urlsplit(base), urlsplit(url)
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)
