"""WebScrape: the second name of ScrapflyWebScrape."""

from __future__ import annotations

from smyth.components.scrapfly_web_scrape import ScrapflyWebScrape


class WebScrape(ScrapflyWebScrape):
    """Does what ScrapflyWebScrape does."""

    name = "WebScrape"
