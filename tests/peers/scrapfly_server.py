"""Scrapfly's scrape API: ``GET /scrape`` (scrapfly.io/docs/scrape-api)."""

from __future__ import annotations

from typing import Any

from tests.peers.http_service import Asked, HttpService, Reply

KEY = "scp-live-test-0123456789"
_SWITCHES = ("asp", "render_js", "auto_scroll")
_FORMATS = {"markdown", "text", "raw", "clean_html", "json"}
_KNOWN = {"key", "url", "format", "country", "cost_budget", *_SWITCHES}


class ScrapflyServer(HttpService):
    """Scrapes every page but those of ``blocked.example``, ``gone.example`` and ``html.example``."""

    def answer(self, asked: Asked) -> Reply:
        query = asked.query
        if query.get("key") != KEY:
            return _refused(401, f"Invalid API key {query.get('key')}")
        if asked.path == "/objects/1":
            return Reply(b"A very long page.", 200, "text/plain")
        if (asked.method, asked.path) != ("GET", "/scrape"):
            return _refused(404, "Not Found")
        if not set(query) <= _KNOWN or any(query.get(name, "true") not in {"true", "false"} for name in _SWITCHES):
            return _refused(400, "Bad parameters")
        if query.get("format") not in _FORMATS or (query.get("auto_scroll") and not query.get("render_js")):
            return _refused(400, "Bad format")
        return self._scraped(query["url"], query["format"])

    def _scraped(self, url: str, form: str) -> Reply:
        if "blocked.example" in url:
            return _page({"success": False, "content": "", "error": _error("ERR::ASP::SHIELD_PROTECTION_FAILED")}, 422)
        if "gone.example" in url:
            error = _error("ERR::SCRAPE::BAD_UPSTREAM_RESPONSE")
            return _page({"success": False, "status_code": 404, "content": "Gone", "error": error})
        if "html.example" in url:
            return Reply(b"<html>Bad gateway</html>", 502, "text/html")
        if "long.example" in url:
            return _page({"success": True, "content": f"{self.url}/objects/1", "format": "clob", "error": None})
        if "stray.example" in url:
            return _page({"success": True, "content": "http://127.0.0.1:9/x", "format": "clob", "error": None})
        return _page({"success": True, "content": f"# {url} as {form}", "format": "text", "error": None})


def _page(result: dict[str, Any], status: int = 200) -> Reply:
    return Reply({"config": {}, "context": {}, "result": {"status": "DONE", "status_code": 200, **result}}, status)


def _error(code: str) -> dict[str, Any]:
    return {"code": code, "http_code": 422, "message": f"The page could not be scraped ({code}).", "retryable": False}


def _refused(status: int, words: str) -> Reply:
    return Reply({"status": "error", "http_code": status, "error_id": "301e2d9e", "message": words}, status)
