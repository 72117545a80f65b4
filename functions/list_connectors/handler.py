"""Lists every connector with its settings and whether it is ready to use."""

from __future__ import annotations

import os

from pydantic import BaseModel

from smyth.connectors.catalog import Connector, connectors
from smyth.connectors.embeddings.chosen import chosen_provider
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import AnyCaller
from smyth.http.settings import settings


class Connectors(BaseModel):
    """All connectors; they fit one page."""

    items: list[Connector]
    next_cursor: None = None


app = create_app("connectors")


@app.get("/api/connectors")
async def list_connectors(caller: AnyCaller) -> Connectors:
    provider = chosen_provider(settings().embedding_model)
    return Connectors(items=connectors(os.environ, embedding_provider=provider))


handler = lambda_handler(app)
