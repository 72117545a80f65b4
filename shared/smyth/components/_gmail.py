"""Read Gmail's messages (format ``full`` of its API) into the payload of GmailTrigger (COMPONENTS section 11)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_HEADERS = {
    "from": "from",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "subject": "subject",
    "date": "date",
    "message-id": "messageId",
}


def payload(message: dict[str, Any]) -> dict[str, Any]:
    """Return the mail as workflows get it."""
    root = message.get("payload") or {}
    parts = list(_parts(root))
    labels = message.get("labelIds") or []
    return {
        "id": message.get("id"),
        "threadId": message.get("threadId"),
        "labelIds": labels,
        "snippet": message.get("snippet"),
        "sizeEstimate": message.get("sizeEstimate"),
        "internalDate": _iso(message.get("internalDate")),
        "headers": _headers(root),
        "body": {"text": _text(parts, "text/plain"), "html": _text(parts, "text/html")},
        "attachments": [
            {
                "filename": part.get("filename"),
                "mimeType": part.get("mimeType"),
                "size": part["body"].get("size"),
                "attachmentId": part["body"]["attachmentId"],
            }
            for part in parts
            if (part.get("body") or {}).get("attachmentId")
        ],
        "isUnread": "UNREAD" in labels,
    }


def _parts(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a part and those inside it, in the mail's order; without recursion, as mails may nest deep."""
    pending = [root]
    while pending:
        part = pending.pop()
        yield part
        pending.extend(reversed(part.get("parts") or []))


def _headers(root: dict[str, Any]) -> dict[str, str]:
    found = dict.fromkeys(_HEADERS.values(), "")
    for header in root.get("headers") or []:
        member = _HEADERS.get(str(header.get("name")).lower())
        if member is not None:
            found[member] = str(header.get("value") or "")
    return found


def _text(parts: list[dict[str, Any]], mime_type: str) -> str:
    """Return the first body of this type that is no attachment."""
    for part in parts:
        if part.get("mimeType") == mime_type and not part.get("filename"):
            return _decoded((part.get("body") or {}).get("data") or "")
    return ""


def _decoded(data: str) -> str:
    try:
        return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _iso(milliseconds: Any) -> str | None:
    try:
        at = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
