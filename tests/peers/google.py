"""Google's Gemini, and its exchange of tokens, as a server of one's own."""

from __future__ import annotations

import json
from typing import Any

from tests.peers.http_service import Asked, HttpService, Reply


class Google(HttpService):
    """Google's ``streamGenerateContent`` and its exchange of tokens."""

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            return Reply({"access_token": "ya29.a-token-of-google", "expires_in": 3600})
        text = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "index": 0}]}
        end: dict[str, Any] = {
            "candidates": [{"content": {"role": "model", "parts": [{"text": " there"}]}, "index": 0}]
        }
        end["candidates"][0]["finishReason"] = "STOP"
        end["usageMetadata"] = {"promptTokenCount": 1000, "candidatesTokenCount": 20, "totalTokenCount": 1020}
        stream = "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in (text, end))
        return Reply(stream.encode(), content_type="text/event-stream")
