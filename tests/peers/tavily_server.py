"""Tavily's search API: ``POST /search`` (docs.tavily.com, Search)."""

from __future__ import annotations

from typing import Any

from tests.peers.http_service import Asked, HttpService, Reply

KEY = "tvly-test-0123456789"
_TIMES = {"day", "week", "month", "year", "d", "w", "m", "y"}
#: What the request may hold, of what type.
_MEMBERS: dict[str, type] = {
    "query": str,
    "topic": str,
    "max_results": int,
    "time_range": str,
    "include_answer": bool,
    "include_raw_content": bool,
    "include_images": bool,
    "exclude_domains": list,
}


class TavilyServer(HttpService):
    """Finds as many pages as asked for, about whatever it is asked."""

    def answer(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) != ("POST", "/search"):
            return Reply({"detail": "Not Found"}, 404)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            given = asked.headers.get("authorization", "")
            return _refused(401, f"Unauthorized: missing or invalid API key. ({given})")
        body = asked.json
        for name, value in body.items():
            if type(value) is not _MEMBERS.get(name):
                return _refused(422, f"Invalid value for {name}.")
        if not body.get("query"):
            return _refused(400, "Query is missing.")
        if not 0 <= body.get("max_results", 5) <= 20:
            return _refused(400, "Max results must be between 0 and 20.")
        if (
            body.get("topic", "general") not in {"general", "news", "finance"}
            or body.get("time_range", "day") not in _TIMES
        ):
            return _refused(400, "Invalid topic or time range.")
        if body["query"] == "too much":
            return _refused(429, "Your request has been blocked due to excessive requests.")
        if body["query"] == "broken":
            return Reply(b"<html>Bad gateway</html>", 502, "text/html")
        return Reply(_found(body))


def _refused(status: int, words: str) -> Reply:
    return Reply({"detail": {"error": words}}, status)


def _found(body: dict[str, Any]) -> dict[str, Any]:
    pages = [page for page in map(_page, range(30)) if page["host"] not in body.get("exclude_domains", [])]
    results = [
        {
            "url": f"https://{page['host']}/about",
            "title": f"{body['query']} {page['number']}",
            "content": f"About {body['query']}",
            "score": 1 - page["number"] / 100,
            "raw_content": "The whole page." if body.get("include_raw_content") else None,
        }
        for page in pages[: body.get("max_results", 5)]
    ]
    return {
        "query": body["query"],
        "follow_up_questions": None,
        "answer": f"It is {body['query']}." if body.get("include_answer") else None,
        "images": ["https://page-0.example/1.png"] if body.get("include_images") else [],
        "results": results,
        "response_time": 0.12,
        "request_id": "0b7a7c3e-5a0e-4a39-9c39-1f5bd2c8f1aa",
    }


def _page(number: int) -> dict[str, Any]:
    return {"number": number, "host": f"page-{number}.example"}
