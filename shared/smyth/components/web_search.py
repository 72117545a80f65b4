"""WebSearch: the second name of TavilyWebSearch."""

from __future__ import annotations

from smyth.components.tavily_web_search import TavilyWebSearch


class WebSearch(TavilyWebSearch):
    """Does what TavilyWebSearch does."""

    name = "WebSearch"
