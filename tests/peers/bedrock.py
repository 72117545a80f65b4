"""Amazon Bedrock's ``converse-stream`` as a server of one's own: its answers are binary frames of events."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from typing import Any

from tests.peers.http_service import Asked, HttpService, Reply


def frame(kind: str, payload: dict[str, Any]) -> bytes:
    """Return one event in AWS's framing: lengths, their checksum, headers, payload, checksum of it all."""
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event"))
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", 12 + len(headers) + len(body) + 4, len(headers))
    checked = prelude + struct.pack(">I", crc32(prelude)) + headers + body
    return checked + struct.pack(">I", crc32(checked))


class Bedrock(HttpService):
    """Answers with a text, or with the frames that are set."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.frames = [
            frame("messageStart", {"role": "assistant"}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello "}}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "there"}}),
            frame("contentBlockStop", {"contentBlockIndex": 0}),
            frame("messageStop", {"stopReason": "end_turn"}),
            frame(
                "metadata",
                {
                    "usage": {"inputTokens": 1000, "outputTokens": 20, "totalTokens": 1020},
                    "metrics": {"latencyMs": 9},
                },
            ),
        ]

    def answer(self, asked: Asked) -> Reply:
        """See :class:`HttpService`."""
        if self.status != 200:
            return Reply({"message": "The security token included in the request is invalid."}, self.status)
        return Reply(b"".join(self.frames), content_type="application/vnd.amazon.eventstream")
