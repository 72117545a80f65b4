"""The API that the recorded agents' skills call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from smyth.sdk.compat.transcripts.served import served

_PRICE = 65000.5
#: As the recordings' own server, written for Node, sent them: skills hand them on to models.
_HEADERS = {
    "date": "Thu, 01 Jan 1970 00:00:00 GMT",
    "connection": "keep-alive",
    "keep-alive": "timeout=5",
    "transfer-encoding": "chunked",
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(slots=True)
class StubApi:
    """What was asked of the API."""

    address: str = ""
    #: ``method``, ``url`` (path and query) and ``body`` of each request.
    requests: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def stub_api() -> Iterator[StubApi]:
    """Serve the API."""
    api = StubApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
            api.requests.append({"method": self.command, "url": self.path, "body": _value(body)})
            status, kind, content = _answer(self.command, self.path, body)
            self.send_response_only(status)
            for name, value in ({"content-type": kind} | _HEADERS).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    for method in _METHODS:
        setattr(Handler, f"do_{method}", Handler.answer)
    with served(Handler) as address:
        api.address = address
        yield api


def _answer(method: str, url: str, body: str) -> tuple[int, str, bytes]:
    """Return status, content type and body."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    status = re.fullmatch(r"/status/(\d{3})", parts.path)
    if status:
        return _json({"error": f"stub says {status[1]}"}, int(status[1]))
    match parts.path:
        case "/text":
            return 200, "text/plain", b"plain text reply"
        case "/big":
            return _json({"blob": "x" * int(query.get("n") or 0)})
        case "/api/v3/simple/price":
            return _json({query.get("ids", ""): {query.get("vs_currencies", "usd"): _PRICE}})
        case "/api/v3/search":
            return _json({"coins": [{"id": "bitcoin", "name": "Bitcoin", "symbol": "BTC", "market_cap_rank": 1}]})
        case "/api/v3/coins/bitcoin":
            return _json({"market_data": {"current_price": {"usd": _PRICE}, "market_cap_rank": 1}})
    return _json({"method": method, "path": parts.path, "query": query, "body": _value(body)})


def _value(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _json(value: Any, status: int = 200) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(value).encode()
