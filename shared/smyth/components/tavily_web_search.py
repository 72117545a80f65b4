"""TavilyWebSearch: pages on the web about a query (COMPONENTS section 9)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from smyth.components._services import json_request, read_json, refusal, send, vault_key
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.values import convert


class Settings(BaseSettings):
    """What to search, and what to tell of it."""

    include_images: bool = Field(False, alias="includeImages", description="Also give pictures, on Images.")
    sources_limit: int = Field(10, alias="sourcesLimit", description="Most results; the service gives up to 20.")
    search_topic: Literal["general", "news"] = Field("general", alias="searchTopic", description="Where to search.")
    include_answers: bool = Field(False, alias="includeQAs", description="Also give a short answer, on Answer.")
    time_range: Literal["None", "day", "week", "month", "year"] = Field(
        "None", alias="timeRange", description="How old results may be; None: of any age."
    )
    include_raw_content: bool = Field(
        False, alias="includeRawContent", description="Also give the text of each page, as raw_content."
    )
    exclude_domains: str = Field("", alias="excludeDomains", description="Domains to leave out, by commas.")


class TavilyWebSearch(Component):
    """Searches the web through Tavily; its key is the vault's entry ``tavily``."""

    name = "TavilyWebSearch"
    title = "Web Search"
    summary = "Searches the web through Tavily."
    Settings = Settings
    inputs = (Port("SearchQuery", "Text", "What to search."),)
    outputs = (
        Port("Results", "Array", "The pages found: title, url, content, score."),
        Port("Images", "Array", "Addresses of pictures, where includeImages is set."),
        Port("Answer", "Text", "A short answer, where includeQAs is set."),
    )
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Search, and sort what was found by outputs."""
        settings: Settings = call.settings
        key = await vault_key(call, "tavily", service="Tavily")
        url = f"{call.run.ports.service_urls.tavily}/search"
        reply = await send(call, json_request(url, _body(call), headers={"authorization": f"Bearer {key}"}))
        found = read_json(reply)
        if reply.status >= 400 or not isinstance(found, dict):
            raise ComponentError(f"Tavily Error: {refusal(reply, secret=key)}")
        outputs = {"Results": found.get("results", [])}
        if settings.include_images:
            outputs["Images"] = found.get("images", [])
        if settings.include_answers:
            outputs["Answer"] = found.get("answer")
        return outputs


def _body(call: Call) -> dict[str, Any]:
    settings: Settings = call.settings
    given = call.inputs.get("SearchQuery")
    query = convert(given, "Text") if given else ""
    if not query.strip():
        raise ComponentError("SearchQuery is empty. Say what to search.")
    body: dict[str, Any] = {
        "query": query,
        "topic": settings.search_topic,
        "max_results": settings.sources_limit,
        "include_images": settings.include_images,
        "include_answer": settings.include_answers,
        "include_raw_content": settings.include_raw_content,
        "exclude_domains": [domain for part in settings.exclude_domains.split(",") if (domain := part.strip())],
    }
    if settings.time_range != "None":
        body["time_range"] = settings.time_range
    return body
