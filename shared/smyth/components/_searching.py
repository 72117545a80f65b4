"""The search settings of GenAILLM, and what they ask of a provider (models.md section 5)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from smyth.components._filling import filled
from smyth.components.base import Call
from smyth.components.base import Settings as BaseSettings

_SEPARATOR = re.compile(r"[,\r\n]+")
_Date = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
_Place = Annotated[str, Field(max_length=255, description="{{name}} stands for an input.")]
_Sources = Annotated[list[Literal["web", "x", "news", "rss"]], Field(max_length=4)]


def _or_default(default: Any) -> BeforeValidator:
    """Take null and blank text for a setting that was not made."""
    return BeforeValidator(lambda value: default if value is None or value == "" else value)


class SearchSettings(BaseSettings):
    """Settings of models that search the web by themselves: OpenAI's (``webSearch…``) and xAI's (the others)."""

    use_web_search: bool = Field(False, alias="useWebSearch", description="OpenAI: let the model search the web.")
    web_search_context_size: Annotated[Literal["high", "medium", "low"], _or_default("medium")] = Field(
        "medium", alias="webSearchContextSize", description="OpenAI: how much of what is found the model reads."
    )
    web_search_city: _Place = Field("", alias="webSearchCity")
    web_search_country: _Place = Field("", alias="webSearchCountry")
    web_search_region: _Place = Field("", alias="webSearchRegion")
    web_search_timezone: _Place = Field("", alias="webSearchTimezone")
    use_search: bool = Field(False, alias="useSearch", description="xAI: let the model search.")
    search_mode: Annotated[Literal["auto", "on", "off"], _or_default("auto")] = Field(
        "auto", alias="searchMode", description="xAI: whether to search; auto leaves it to the model."
    )
    return_citations: bool = Field(False, alias="returnCitations", description="xAI: tell the sources.")
    max_search_results: Annotated[int, _or_default(10)] = Field(
        10, alias="maxSearchResults", ge=1, le=100, description="xAI: most sources."
    )
    search_data_sources: Annotated[_Sources, _or_default(["web", "x"])] = Field(
        ["web", "x"], alias="searchDataSources", description="xAI: where to search."
    )
    search_country: _Place = Field("", alias="searchCountry")
    excluded_websites: str = Field("", alias="excludedWebsites", max_length=10_000, description="By commas.")
    allowed_websites: str = Field("", alias="allowedWebsites", max_length=10_000, description="By commas.")
    included_x_handles: str = Field("", alias="includedXHandles", max_length=1_000, description="By commas.")
    excluded_x_handles: str = Field("", alias="excludedXHandles", max_length=1_000, description="By commas.")
    post_favorite_count: Annotated[int, _or_default(0)] = Field(
        0, alias="postFavoriteCount", ge=0, le=10**9, description="xAI: only posts that so many like."
    )
    post_view_count: Annotated[int, _or_default(0)] = Field(
        0, alias="postViewCount", ge=0, le=10**9, description="xAI: only posts that so many saw."
    )
    rss_links: str = Field("", alias="rssLinks", max_length=10_000, description="By commas.")
    safe_search: bool = Field(True, alias="safeSearch", description="xAI: leave out what is not for everybody.")
    from_date: _Date = Field("", alias="fromDate", description="YYYY-MM-DD.")
    to_date: _Date = Field("", alias="toDate", description="YYYY-MM-DD.")


def web_search(call: Call) -> dict[str, Any] | None:
    """Return OpenAI's search options, or None where the author wants no search."""
    settings: SearchSettings = call.settings
    if not settings.use_web_search:
        return None
    place = {
        "city": filled(settings.web_search_city, call),
        "country": filled(settings.web_search_country, call),
        "region": filled(settings.web_search_region, call),
        "timezone": filled(settings.web_search_timezone, call),
    }
    place = {name: value for name, value in place.items() if value}
    options: dict[str, Any] = {"search_context_size": settings.web_search_context_size}
    return options | ({"user_location": {"type": "approximate", **place}} if place else {})


def live_search(call: Call) -> dict[str, Any] | None:
    """Return xAI's search parameters, or None where the author wants no search."""
    settings: SearchSettings = call.settings
    if not settings.use_search:
        return None
    parameters = {
        "mode": settings.search_mode,
        "return_citations": settings.return_citations,
        "max_search_results": settings.max_search_results,
        "from_date": settings.from_date,
        "to_date": settings.to_date,
        "sources": [_source(kind, call) for kind in settings.search_data_sources],
    }
    return {name: value for name, value in parameters.items() if value not in ("", None)}


def _source(kind: str, call: Call) -> dict[str, Any]:
    """Return one of xAI's sources; members that were not set are left out."""
    settings: SearchSettings = call.settings
    members: dict[str, Any] = {}
    if kind in ("web", "news"):
        members = {
            "country": filled(settings.search_country, call),
            "excluded_websites": _parts(settings.excluded_websites),
            "allowed_websites": _parts(settings.allowed_websites) if kind == "web" else [],
        }
    elif kind == "x":
        members = {
            "included_x_handles": _parts(settings.included_x_handles),
            "excluded_x_handles": _parts(settings.excluded_x_handles),
            "post_favorite_count": settings.post_favorite_count,
            "post_view_count": settings.post_view_count,
        }
    else:
        members = {"links": _parts(settings.rss_links)}
    members = {name: value for name, value in members.items() if value}
    safe = {"safe_search": settings.safe_search} if kind in ("web", "news") else {}
    return {"type": kind, **members, **safe}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _SEPARATOR.split(text) if part.strip()]
