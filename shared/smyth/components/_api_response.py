"""What APICall makes of an answer, by its content type (COMPONENTS section 9; compat README, quirk 81)."""

from __future__ import annotations

import json
from email.message import Message
from typing import Any, NoReturn

from smyth.components import _files as files
from smyth.components.base import ComponentError, Run
from smyth.connectors.http.port import HttpReply

#: Only these are read; a vendor's own JSON types stay text.
_JSON_TYPES = frozenset(
    {
        "application/json",
        "application/geo+json",
        "application/hal+json",
        "application/json-patch+json",
        "application/ld+json",
        "application/manifest+json",
        "application/merge-patch+json",
        "application/problem+json",
        "application/schema+json",
        "application/vnd.api+json",
        "application/x-json",
        "text/json",
        "text/x-json",
    }
)
_TEXT_TYPES = frozenset(
    {
        "",
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/sql",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-sh",
        "application/x-www-form-urlencoded",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)


async def read(reply: HttpReply, run: Run) -> Any:
    """Return JSON as a value, text as text, and anything else as a file object.

    Raises:
        ComponentError: It says that it is JSON and is not.
    """
    header = Message()
    header["content-type"] = reply.headers.get("content-type", "")
    kind = header.get_content_type() if header["content-type"] else ""
    if kind in _JSON_TYPES:
        return _json(reply.content) if reply.content.strip() else ({} if reply.status not in (204, 304) else "")
    if not reply.content:
        return ""
    if kind in _TEXT_TYPES or kind.startswith("text/") or kind.endswith(("+json", "+xml")):
        return _decoded(reply.content, header.get_content_charset() or "utf-8")
    return await files.keep(files.File(reply.content, kind), run)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig", "replace"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ComponentError(
            "The answer says that it is JSON and cannot be read as such. Ask the service for JSON, or for text.",
            {"Response": None, "Headers": {}},
        ) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
