"""OpenAPI: let a model answer with the operations of an HTTP API (COMPONENTS section 9)."""

from __future__ import annotations

from smyth.components._openapi import SpecConversation


class OpenAPI(SpecConversation):
    """Give a prompt to a model that may call the API."""

    name = "OpenAPI"
    title = "OpenAPI"
    summary = "Lets a model answer a prompt with the operations of an OpenAPI document as tools."
