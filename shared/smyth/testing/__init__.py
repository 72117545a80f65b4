"""A model provider on one's own machine, for tests and for trying things without a key.

with ModelServer(Say("Hello"), Fail(429, headers={"retry-after": "0"})) as server:
    client = openai.OpenAI(base_url=server.base_url, api_key="any")
"""

from __future__ import annotations

from smyth.testing.model_server import ModelServer
from smyth.testing.turns import Call, Cut, Fail, Half, Hang, Raw, Say, Slow, Turn

__all__ = ["Call", "Cut", "Fail", "Half", "Hang", "ModelServer", "Raw", "Say", "Slow", "Turn"]
