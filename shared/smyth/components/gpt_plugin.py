"""GPTPlugin: the older name of OpenAPI (COMPONENTS section 9)."""

from __future__ import annotations

from smyth.components._openapi import SpecConversation


class GPTPlugin(SpecConversation):
    """Give a prompt to a model that may call the API."""

    name = "GPTPlugin"
    title = "GPT Plugin"
    summary = "Older name of OpenAPI; does the same."
