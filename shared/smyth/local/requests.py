"""What of a client's request may reach the emulator, and what must not.

Behind the front everything trusts the emulator and the emulator trusts everyone: it picks a service by host name, an
account by signature, a function's caller by header. So a request goes on as path, query, body and harmless headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from smyth.http.problems import Problem
from smyth.platform.routes import ROUTES, Route

#: What API Gateway takes.
MAX_BODY_BYTES = 10 * 1024 * 1024
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
_NOT_PASSED = _HOP_BY_HOP | {
    "host",
    "content-length",
    "expect",
    "forwarded",
    "authorization",
    "x-api-key",
    "accept-encoding",
}
_NOT_PASSED_PREFIXES = ("x-amz", "x-forwarded-", "x-ministack", "x-localstack")
_NOT_RETURNED = _HOP_BY_HOP | {"content-length", "date", "server"}
_NOT_RETURNED_PREFIXES = ("x-amz",)
#: Slashes and dots in disguise, control characters, and what is no ASCII at all.
_BAD_PATH = re.compile(rb"//|\\|%2f|%5c|%2e|%00|%25|[\x00-\x20\x7f-\xff]|/\.{1,2}(?=/|$)", re.IGNORECASE)
#: Keys are short, tokens of people and machines are not.
_KEY = re.compile(r"[\x21-\x7e]{1,8192}")
_ROUTES = [
    (route, re.compile("[^/]+".join(re.escape(fixed) for fixed in re.split(r"{\w+}", route.path)))) for route in ROUTES
]


def check_path(raw_path: bytes) -> None:
    """Refuse paths that one server could read otherwise than another.

    Raises:
        Problem: 400.
    """
    if not raw_path.startswith(b"/") or _BAD_PATH.search(raw_path):
        raise Problem(
            400,
            "bad_path",
            "The path holds dot segments, doubled or encoded slashes or control characters. Remove them.",
        )


def find_route(method: str, path: str) -> Route | None:
    """The route that answers; None when the table has none."""
    return next((route for route, pattern in _ROUTES if route.method == method and pattern.fullmatch(path)), None)


def caller_key(headers: Mapping[str, str]) -> str | None:
    """The key a client sent: ``Authorization: Bearer`` first, else ``x-api-key``, as the authorizer reads them."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    key = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "").strip()
    return key if _KEY.fullmatch(key) else None


def passed_headers(request: Request) -> list[tuple[str, str]]:
    """The client's headers that go on, and where the request came from."""
    kept = [
        (name, value)
        for name, value in request.headers.items()
        if name not in _NOT_PASSED and not name.startswith(_NOT_PASSED_PREFIXES)
    ]
    return [*kept, ("x-forwarded-for", source_ip(request)), ("x-forwarded-host", request.headers.get("host", ""))]


def returned_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The emulator's headers that go back to the client."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in _NOT_RETURNED and not name.lower().startswith(_NOT_RETURNED_PREFIXES)
    ]


def passed_query(query: str) -> str:
    """The query without credentials of AWS, which would make the emulator look into another account."""
    if "amz" not in query.lower() and "awsaccesskeyid" not in query.lower():
        return query
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([pair for pair in pairs if not pair[0].lower().startswith(("x-amz-", "awsaccesskeyid"))])


def source_ip(request: Request) -> str:
    """Where the connection came from; a header's word is not taken."""
    return request.client.host if request.client else "127.0.0.1"


async def read_body(request: Request) -> bytes:
    """Read the body, no further than API Gateway would.

    Raises:
        Problem: 413 for a body over 10 MB, 415 for a compressed one.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported_media_type", "Compressed bodies are not taken. Send the body as it is.")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> Problem:
    detail = "The body is over 10 MB. Send less, or upload a large file by the address that /api/storage/upload gives."
    # The rest of the body is not read, so the connection cannot be used again.
    return Problem(413, "too_large", detail, headers={"connection": "close"})
