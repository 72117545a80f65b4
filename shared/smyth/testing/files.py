"""OpenAI's files: what is uploaded is kept as long as the server lives."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from smyth.testing.asked import Refused


@dataclass(frozen=True)
class File:
    """An uploaded file."""

    id: str
    name: str
    purpose: str
    content: bytes
    created_at: int

    def told(self) -> dict[str, Any]:
        """What the protocol tells of it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


def read_upload(content_type: str, content: bytes) -> File:
    """Read a form with a file.

    Raises:
        Refused: It is none.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + content)
    fields = {_field(part): part for part in form.iter_parts()} if form.is_multipart() else {}
    if "file" not in fields or "purpose" not in fields:
        raise Refused("Send a form with the fields 'file' and 'purpose'.")
    file = fields["file"]
    return File(
        id=f"file-{secrets.token_hex(8)}",
        name=file.get_filename() or "file",
        purpose=_payload(fields["purpose"]).decode(errors="replace"),
        content=_payload(file),
        created_at=int(time.time()),
    )


def _field(part: Message) -> str:
    return str(part.get_param("name", "", "content-disposition"))


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
